import assert from "node:assert/strict";
import { RestCollection } from "../../simulators/rest/collection.ts";
import type { RestPaging } from "../../simulators/rest/listing.ts";
import { failure, type RestSimulator, startRest } from "../../simulators/rest/rest.ts";
import { nextLink } from "../../supabase/functions/_shared/providers/api/link_header.ts";
import { resourceSource } from "../../supabase/functions/_shared/providers/api/resource_source.ts";
import type { Cursor } from "../../supabase/functions/_shared/providers/source.ts";
import { providerFailure, readResource, restConnection } from "../support/rest_connection.ts";

/** How a resource is declared for each kind of paging of the API. */
const DECLARED: Record<string, { paging: RestPaging["kind"]; resource: Record<string, unknown> }> = {
  none: { paging: "none", resource: { records: "$" } },
  cursor: {
    paging: "cursor",
    resource: {
      records: "data",
      pagination: {
        kind: "cursor",
        next: "paging.next",
        parameter: "after",
        size_parameter: "limit",
        size: 4,
      },
    },
  },
  "cursor in the body of a search": {
    paging: "cursor",
    resource: {
      path: "things/search",
      method: "POST",
      records: "data",
      pagination: {
        ...{ kind: "cursor", next: "paging.next", parameter: "page.after", in: "body" },
        ...{ size_parameter: "page.limit", size: 4 },
      },
    },
  },
  "link header": {
    paging: "link",
    resource: { records: "$", pagination: { kind: "link", size_parameter: "limit", size: 4 } },
  },
  "link in the body": {
    paging: "link_body",
    resource: {
      records: "results",
      pagination: { kind: "link", next: "next", size_parameter: "limit", size: 4 },
    },
  },
  page: {
    paging: "page",
    resource: { records: "items", pagination: { kind: "page", size_parameter: "per_page", size: 4 } },
  },
  "page that says whether there is more": {
    paging: "page",
    resource: {
      ...{ records: "items", more: "has_more" },
      pagination: { kind: "page", size_parameter: "per_page", size: 4 },
    },
  },
  offset: {
    paging: "offset",
    resource: {
      records: "results",
      total: "total",
      pagination: { kind: "offset", size_parameter: "limit", size: 4 },
    },
  },
};

async function withThings(
  paging: RestPaging["kind"],
  count: number,
  use: (api: RestSimulator, things: RestCollection) => Promise<void>,
): Promise<void> {
  const things = new RestCollection();
  for (let index = 0; index < count; index++) things.create();
  const api = startRest({ paging: { kind: paging, maxSize: 10 }, collections: { things } });
  try {
    await use(api, things);
  } finally {
    await api.stop();
  }
}

function connect(
  api: RestSimulator,
  resource: Record<string, unknown>,
  config: Record<string, unknown> = {},
) {
  const things = { path: "things", deletions: "full_pass", ...resource };
  return restConnection({ base_url: api.url, resources: { things }, ...config });
}

const idsOf = (things: RestCollection) => [...things.records.keys()].map((id) => `things/${id}`);

for (const [kind, { paging, resource }] of Object.entries(DECLARED)) {
  Deno.test(`API: paging by ${kind} reads everything once, and what went is deleted by the next pass`, async () => {
    await withThings(paging, 10, async (api, things) => {
      const connection = connect(api, resource);
      const first = await readResource(connection, "things");
      assert.deepEqual([...first.records.keys()], idsOf(things));
      assert.ok(first.pages[0]!.beginsPass && first.pages.at(-1)!.completesPass, kind);
      // An empty page where only that says that there is none, and the first one again where pages are counted.
      assert.ok(api.faults.requests <= 3 + 2, `${api.faults.requests}`);
      assert.deepEqual(first.warnings, []);
      things.remove("3");
      things.edit("5", { name: '"Edited"' });
      const second = await readResource(connection, "things", { cursor: first.cursor, held: first.records });
      assert.deepEqual([...second.records.keys()].sort(), idsOf(things).sort());
      assert.equal((second.records.get("things/5")!.data as { name: string }).name, "Edited");
      connection.close();
    });
  });

  Deno.test(`API: paging by ${kind} goes on after a failure of every page in turn`, async () => {
    await withThings(paging, 10, async (api, things) => {
      const connection = connect(api, resource);
      const { pages, cursor } = await readResource(connection, "things");
      for (const index of pages.keys()) {
        api.faults.planNext({ kind: "answer", response: () => failure(503, "down") });
        const from = index === 0 ? null : pages[index - 1]!.cursor;
        const error = await providerFailure(readResource(connection, "things", { cursor: from }));
        assert.equal(error.errorClass, "transient");
        const rest = await readResource(connection, "things", { cursor: from });
        const read = [...pages.slice(0, index), ...rest.pages].flatMap(({ records }) => records);
        assert.deepEqual(read.map(({ externalId }) => externalId), idsOf(things));
        assert.deepEqual({ ...rest.cursor, began_ms: 0 }, { ...cursor, began_ms: 0 });
      }
      connection.close();
    });
  });
}

Deno.test("API: an API that gives fewer a page than it is asked for is read whole", async () => {
  for (const kind of ["page", "offset", "cursor"]) {
    await withThings(DECLARED[kind]!.paging, 10, async (api, things) => {
      api.traps.capsSizeAt = 3;
      const connection = connect(api, DECLARED[kind]!.resource);
      const { records } = await readResource(connection, "things");
      assert.deepEqual([...records.keys()], idsOf(things), kind);
      connection.close();
    });
  }
});

for (const kind of ["cursor", "link header", "page", "offset"]) {
  Deno.test(`API: a page that comes again and again ends the read, by ${kind}`, async () => {
    await withThings(DECLARED[kind]!.paging, 10, async (api) => {
      api.traps.repeat = true;
      const connection = connect(api, DECLARED[kind]!.resource);
      const error = await providerFailure(readResource(connection, "things"));
      assert.equal(error.errorClass, "malformed_answer");
      assert.match(error.message, /same page again/);
      assert.ok(api.faults.requests <= 3, `${api.faults.requests}`);
      connection.close();
    });
  });
}

for (const endless of ["circle", "itself", "empty"] as const) {
  for (const kind of ["cursor", "link in the body"]) {
    Deno.test(`API: next pages without end (${endless}) end the read, by ${kind}`, async () => {
      await withThings(DECLARED[kind]!.paging, 30, async (api, things) => {
        api.traps.endless = endless;
        const connection = connect(api, DECLARED[kind]!.resource);
        const error = await providerFailure(readResource(connection, "things"));
        assert.match(
          error.message,
          endless === "empty" ? /100 pages in a row without a record/ : /same page again/,
        );
        assert.ok(api.faults.requests < 120, `${api.faults.requests}`);
        assert.equal(things.records.size, 30);
        connection.close();
      });
    });
  }
}

for (const kind of ["page", "offset"]) {
  Deno.test(`API: an order that changes while it is read deletes nothing, by ${kind}`, async () => {
    await withThings(DECLARED[kind]!.paging, 40, async (api, things) => {
      const connection = connect(api, DECLARED[kind]!.resource);
      const { records, cursor } = await readResource(connection, "things");
      things.remove("7");
      // The count stays the same.
      things.create();
      api.traps.shuffle = true;
      const shuffled = await readResource(connection, "things", { cursor, held: records });
      assert.ok(shuffled.pages.every(({ completesPass }) => !completesPass));
      assert.match(shuffled.warnings.join(), /nothing is taken for deleted/);
      api.traps.shuffle = false;
      const settled = await readResource(connection, "things", {
        cursor: shuffled.cursor,
        held: shuffled.records,
      });
      assert.deepEqual([...settled.records.keys()].sort(), idsOf(things).sort());
      connection.close();
    });
  });
}

/** Reads an offset list of 12 in steps of 4; before each step something may happen. */
async function readInSteps(changes: Record<number, (things: RestCollection) => void>) {
  const result = { completed: false, held: new Set<string>(), warnings: "" };
  await withThings("offset", 12, async (api, things) => {
    const connection = connect(api, DECLARED.offset!.resource);
    const { read } = resourceSource("things", connection.config.resources.things!);
    let cursor: Cursor | null = null;
    for (let step = 1; step < 10; step++) {
      changes[step]?.(things);
      const page = await read({ connection, cursor, parameters: {}, storedCount: () => Promise.resolve(0) });
      for (const { externalId } of page.records) result.held.add(externalId);
      result.completed ||= page.completesPass ?? false;
      result.warnings += page.warnings!.join();
      cursor = page.cursor;
      if (!page.hasMore) break;
    }
    connection.close();
  });
  return result;
}

Deno.test("API: a list that shrank while it was read deletes nothing", async () => {
  const shrinking: Record<string, Record<number, (things: RestCollection) => void>> = {
    "on the first page": { 2: (things) => things.remove("1") },
    "on a later page": { 3: (things) => things.remove("6") },
    "and grew again": { 3: (things) => things.remove("6"), 4: (things) => void things.create() },
  };
  for (const [what, changes] of Object.entries(shrinking)) {
    const { completed, held, warnings } = await readInSteps(changes);
    assert.ok(!held.has("things/5") || !held.has("things/9"), `${what}: one was missed`);
    assert.equal(completed, false, what);
    assert.match(warnings, /nothing is taken for deleted/);
  }
  const grew = await readInSteps({ 3: (things) => void things.create() });
  assert.deepEqual([grew.completed, grew.held.size, grew.warnings], [true, 13, ""]);
});

Deno.test("API: a next address at another host gets nothing, credentials least of all", async () => {
  await withThings("link", 10, async (api) => {
    await withThings("link", 10, async (other) => {
      for (const kind of ["link header"]) {
        api.traps.nextOrigin = new URL(other.url).origin;
        const connection = connect(api, DECLARED[kind]!.resource);
        const error = await providerFailure(readResource(connection, "things"));
        assert.equal(error.errorClass, "misconfigured");
        assert.match(error.message, /not below the host of base_url/);
        assert.equal(other.faults.requests, 0);
        connection.close();
      }
    });
  });
});

Deno.test("API: a cursor that the API forgot starts over, a page that never was does not", async () => {
  await withThings("cursor", 10, async (api) => {
    const connection = connect(api, DECLARED.cursor!.resource);
    for (const status of [400, 404, 410, 422]) {
      api.faults.plan(2, { kind: "answer", response: () => failure(status, "gone") });
      const error = await providerFailure(readResource(connection, "things"));
      assert.equal(error.errorClass, "cursor_expired", `${status}`);
      api.faults.plan(1, { kind: "answer", response: () => failure(status, "gone") });
      assert.equal((await providerFailure(readResource(connection, "things"))).errorClass, "misconfigured");
      api.faults.clear();
    }
    connection.close();
  });
});

Deno.test("API: other settings read everything anew, whatever the cursor says", async () => {
  await withThings("cursor", 10, async (api) => {
    const incremental = {
      ...DECLARED.cursor!.resource,
      ...{ updated_at: "updated_at", incremental: { parameter: "updated_since" } },
    };
    const before = connect(api, incremental);
    const { cursor } = await readResource(before, "things");
    assert.equal((await readResource(before, "things", { cursor })).pages[0]!.beginsPass, false);
    const after = connect(api, { ...incremental, fields: { title: "name" } });
    const { pages, records } = await readResource(after, "things", { cursor });
    assert.ok(pages[0]!.beginsPass);
    assert.equal(api.asked.at(-1)!.url.searchParams.has("updated_since"), false);
    assert.deepEqual(records.get("things/1")!.data, { title: "Record 1" });
    const oddities: Cursor[] = [{}, { settings: 1 }, { ...cursor, page: { at: "nowhere" } }];
    for (const odd of oddities) {
      assert.ok((await readResource(before, "things", { cursor: odd })).pages[0]!.beginsPass);
    }
    before.close();
    after.close();
  });
});

Deno.test("API: rel=next is found among whatever else a Link header says", () => {
  const cases: [string, string | null][] = [
    ['<https://a.example/x?p=2>; rel="next"', "https://a.example/x?p=2"],
    ["<https://a.example/x>; rel=next", "https://a.example/x"],
    ['<https://a.example/1>; rel="prev", <https://a.example/3>; rel="next"', "https://a.example/3"],
    ['<https://a.example/a,b;c>; title="x, <y>; rel=next"; rel="last next"', "https://a.example/a,b;c"],
    ['<https://a.example/a>; title="say \\"rel=next\\""; rel=last', null],
    ['<https://a.example/a>; rel=last; rel="next"', null],
    ['</things?page=2>; REL="NEXT"', "/things?page=2"],
    ['<https://a.example/a> ; anchor="#x" ; rel = "next"', "https://a.example/a"],
    ["", null],
    ["https://a.example; rel=next", null],
  ];
  for (const [header, expected] of cases) assert.equal(nextLink(header), expected, header);
});
