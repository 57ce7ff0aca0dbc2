import assert from "node:assert/strict";
import fc from "fast-check";
import { departments } from "../../supabase/functions/_shared/providers/odoo/departments.ts";
import { employees } from "../../supabase/functions/_shared/providers/odoo/employees.ts";
import { LOOKBACK_MS } from "../../supabase/functions/_shared/providers/odoo/marks.ts";
import type { Cursor, Page } from "../../supabase/functions/_shared/providers/source.ts";
import { createSome, departmentState, employeeState } from "../support/odoo_subjects.ts";
import { storedState, withOdoo } from "../support/odoo_hub.ts";
import { PageStore, readToEnd } from "../support/page_store.ts";

const VERSIONS = [17, 19];
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

for (const major of VERSIONS) {
  Deno.test(`Odoo ${major}: everything is read, in pages, and a second run finds nothing`, async () => {
    await withOdoo({ major }, async ({ odoo, run }) => {
      createSome(odoo, "hr.department", 5);
      createSome(odoo, "hr.employee", 120);
      odoo.database.write("hr.employee", [7, 8], { active: false });
      odoo.clock.advance(HOUR_MS);
      const store = new PageStore();
      const first = await run(employees, store, null);
      const expected = employeeState(odoo);
      assert.deepEqual(storedState(store, expected), expected);
      assert.equal(store.records.get("7")!.active, false);
      assert.deepEqual(first.pages.map((page) => page.records.length), [50, 50, 20]);
      assert.equal(first.pages[0]!.estimate, 120);

      odoo.clock.advance(HOUR_MS);
      const second = await run(employees, store, first.cursor);
      assert.deepEqual(second.pages.flatMap((page) => page.records), []);
      assert.equal(second.pages.length, 1, "a quiet run is one step");
      const third = await run(employees, store, second.cursor);
      assert.deepEqual(third.pages.flatMap((page) => page.records), []);
    });
  });

  Deno.test(`Odoo ${major}: whatever is edited between whichever pages, the state is exact once it is quiet`, async () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(5), fc.nat(90_000)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(edits, fc.integer(), async (planned, seed) => {
        await withOdoo({ major }, async ({ odoo, connect }) => {
          createSome(odoo, "hr.department", 4);
          createSome(odoo, "hr.employee", 130);
          const [store, queue] = [new PageStore(), [...planned]];
          const onPage = () => {
            for (const [which, what, waitMs] of queue.splice(0, 2)) {
              odoo.clock.advance(waitMs);
              change(odoo, which, what);
            }
          };
          let cursor: Cursor | null = null;
          while (queue.length > 0) {
            cursor = await readToEnd({ source: employees, connection: connect(), store, cursor, onPage });
          }
          odoo.clock.advance(seed % 2 === 0 ? 0 : HOUR_MS);
          await readToEnd({ source: employees, connection: connect(), store, cursor });
          const expected = employeeState(odoo);
          assert.deepEqual(storedState(store, expected), expected);
        });
      }),
      { numRuns: 25 },
    );
  });

  Deno.test(`Odoo ${major}: a run may be cut off after any page and goes on from its cursor`, async () => {
    await withOdoo({ major }, async ({ odoo, connect, run }) => {
      createSome(odoo, "hr.employee", 160);
      const store = new PageStore();
      const { cursor } = await run(employees, store, null);
      odoo.clock.advance(HOUR_MS);
      odoo.database.write("hr.employee", Array.from({ length: 110 }, (_, index) => index + 1), {
        name: "Renamed",
      });
      odoo.database.unlink("hr.employee", [3, 77]);
      const expected = employeeState(odoo);
      const stops: { cursor: Cursor; store: PageStore }[] = [];
      const copying = store.copy();
      const onPage = (saved: Cursor) => void stops.push({ cursor: saved, store: copying.copy() });
      await readToEnd({ source: employees, connection: connect(), store: copying, cursor, onPage });
      assert.ok(stops.length >= 4, `${stops.length} steps`);
      for (const stop of stops) {
        await readToEnd({ source: employees, connection: connect(), store: stop.store, cursor: stop.cursor });
        assert.deepEqual(storedState(stop.store, expected), expected);
      }
    });
  });

  Deno.test(`Odoo ${major}: 1,200 records of one write_date are all read, and not again and again`, async () => {
    await withOdoo({ major }, async ({ odoo, run }) => {
      odoo.database.createMany(
        "hr.employee",
        Array.from({ length: 1200 }, (_, index) => ({ name: `N${index}` })),
      );
      const store = new PageStore();
      const first = await run(employees, store, null);
      assert.equal(store.records.size, 1200);
      odoo.clock.advance(HOUR_MS);
      const all = odoo.database.idsOf("hr.employee");
      odoo.database.write("hr.employee", all, { name: "All at once" });
      const second = await run(employees, store, first.cursor);
      const expected = employeeState(odoo);
      assert.deepEqual(storedState(store, expected), expected);
      assert.ok(second.requests <= 24 + 10, `${second.requests} requests for 24 pages`);
      odoo.clock.advance(HOUR_MS);
      const third = await run(employees, store, second.cursor);
      odoo.clock.advance(HOUR_MS);
      const fourth = await run(employees, store, third.cursor);
      assert.ok(fourth.requests <= 8, `${fourth.requests} requests where nothing happened`);
    });
  });
}

/** One change by somebody at Odoo. Who is deleted is nobody's manager. */
function change(odoo: Parameters<typeof createSome>[0], which: number, what: number): void {
  const { database } = odoo;
  const ids = database.idsOf("hr.employee");
  if (what === 0 || ids.length === 0) return createSome(odoo, "hr.employee", 1 + which % 3);
  const id = ids[which % ids.length]!;
  const row = database.table("hr.employee").rows.get(id)!;
  if (what === 1) return database.unlink("hr.employee", [id]);
  if (what === 2) return database.write("hr.employee", [id], { active: row.active === false });
  if (what === 3) return database.write("hr.employee", ids, { work_email: `all.${which}@acme.example` });
  const values = { job_title: `Title ${which}`, department_id: 1 + which % 4 };
  if (what === 4 || database.major < 19) return database.write("hr.employee", [id], values);
  database.write("hr.version", [row.version_id as number], values);
}

Deno.test("Odoo: what is written within the second of the newest record after it was read is not lost", async () => {
  await withOdoo({}, async ({ odoo, run }) => {
    createSome(odoo, "hr.employee", 3);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    odoo.clock.advance(400);
    odoo.database.write("hr.employee", [2], { name: "The same second" });
    await run(employees, store, cursor);
    assert.equal(store.records.get("2")!.name, "The same second");
  });
});

Deno.test("Odoo: what a transaction that commits late wrote is read, up to the very instant of the mark", async () => {
  for (const lateMs of [60 * SECOND_MS, LOOKBACK_MS]) {
    await withOdoo({ nowMs: Date.parse("2026-11-20T08:00:00Z") }, async ({ odoo, run }) => {
      createSome(odoo, "hr.employee", 3);
      odoo.clock.advance(HOUR_MS);
      const late = odoo.database.begin();
      late.write("hr.employee", [1], { name: "Late" });
      odoo.clock.advance(lateMs);
      createSome(odoo, "hr.employee", 3);
      const store = new PageStore();
      const first = await run(employees, store, null);
      late.commit();
      odoo.clock.advance(60 * SECOND_MS);
      await run(employees, store, first.cursor);
      assert.equal(store.records.get("1")!.name, "Late", `${lateMs} ms late`);
    });
  }
});

Deno.test("Odoo: who was created in a transaction that committed late is read, though ids went on", async () => {
  await withOdoo({}, async ({ odoo, run }) => {
    const late = odoo.database.begin();
    const created = late.create("hr.employee", { name: "Late" });
    odoo.clock.advance(60 * SECOND_MS);
    createSome(odoo, "hr.employee", 3);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    late.commit();
    const { pages } = await run(employees, store, cursor);
    assert.equal(store.records.get(String(created))!.name, "Late");
    assert.deepEqual(pages.filter((page) => page.beginsPass), [], "by its date, not by reading everything");
  });
});

Deno.test("Odoo: a record that was committed hours late is missed by date, and found by counting", async () => {
  await withOdoo({}, async ({ odoo, run }) => {
    createSome(odoo, "hr.employee", 60);
    const late = odoo.database.begin();
    late.create("hr.employee", { name: "Very late" });
    odoo.clock.advance(HOUR_MS);
    createSome(odoo, "hr.employee", 3);
    const store = new PageStore();
    let { cursor } = await run(employees, store, null);
    odoo.clock.advance(HOUR_MS);
    ({ cursor } = await run(employees, store, cursor));
    late.commit();
    await run(employees, store, cursor);
    assert.equal(store.records.get("61")?.name, "Very late");
  });
});

Deno.test("Odoo: what cannot be stored is looked for once, and does not hide what is missing later", async () => {
  await withOdoo({ major: 17 }, async ({ odoo, run }) => {
    createSome(odoo, "hr.employee", 60);
    odoo.clock.advance(HOUR_MS);
    const store = new PageStore();
    let { cursor, pages } = await run(employees, store, null);
    const refused = () => store.records.delete("13") && store.records.delete("14");
    const read = async () => {
      odoo.clock.advance(HOUR_MS);
      ({ cursor, pages } = await run(employees, store, cursor));
      refused();
      return pages.flatMap((page) => page.records).length;
    };
    refused();
    assert.equal(await read(), 60, "two are missing: they may have been committed late");
    assert.deepEqual([await read(), await read()], [0, 0], "they were not");
    store.records.delete("15");
    assert.equal(await read(), 60, "a third is missing");
    assert.deepEqual([await read(), store.records.size], [0, 58]);
    odoo.database.unlink("hr.employee", [13, 14]);
    assert.equal(await read(), 0);
    store.records.delete("16");
    assert.equal(await read(), 58, "nothing is absent any more, so one that is missing is looked for");
  });
});

Deno.test("Odoo: records that come while a run counts do not make it begin anew", async () => {
  await withOdoo({}, async ({ odoo, connect, run }) => {
    createSome(odoo, "hr.employee", 60);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    odoo.clock.advance(HOUR_MS);
    odoo.database.write("hr.employee", [5], { name: "Changed" });
    const pages: Page[] = [];
    const onPage = (_: Cursor, page: Page) => {
      pages.push(page);
      odoo.clock.advance(2 * SECOND_MS);
      createSome(odoo, "hr.employee", 1);
    };
    const end = await readToEnd({ source: employees, connection: connect(), store, cursor, onPage });
    assert.deepEqual(pages.filter((page) => page.beginsPass), []);
    await run(employees, store, end);
    const expected = employeeState(odoo);
    assert.deepEqual(storedState(store, expected), expected);
  });
});

Deno.test("Odoo: who is deleted for good is found by ids alone, without reading everybody", async () => {
  await withOdoo({}, async ({ odoo, run }) => {
    createSome(odoo, "hr.employee", 230);
    odoo.clock.advance(HOUR_MS);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    odoo.clock.advance(HOUR_MS);
    odoo.database.unlink("hr.employee", [1, 60, 230]);
    const { pages } = await run(employees, store, cursor);
    assert.deepEqual([...store.records.keys()], [...employeeState(odoo).keys()]);
    assert.deepEqual(pages.flatMap((page) => page.records), []);
    assert.equal(pages.length, 1);
  });
});

Deno.test("Odoo: a manager who is deleted leaves a reference until a full sync", async () => {
  await withOdoo({}, async ({ odoo, run }) => {
    createSome(odoo, "hr.employee", 3);
    odoo.database.write("hr.employee", [2], { parent_id: 1 });
    odoo.clock.advance(HOUR_MS);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    odoo.clock.advance(HOUR_MS);
    odoo.database.unlink("hr.employee", [1]);
    await run(employees, store, cursor);
    assert.equal(store.records.get("2")!.manager_external_id, "1");
    await run(employees, store, null);
    assert.equal(store.records.get("2")!.manager_external_id, null);
  });
});

Deno.test("Odoo 19: a change of the version alone, which moves no write_date of the employee, is read", async () => {
  await withOdoo({ major: 19 }, async ({ odoo, run }) => {
    createSome(odoo, "hr.department", 2);
    createSome(odoo, "hr.employee", 130);
    odoo.clock.advance(HOUR_MS);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    odoo.clock.advance(HOUR_MS);
    const before = odoo.database.table("hr.employee").rows.get(9)!.write_date;
    const versions = odoo.database.idsOf("hr.version").slice(0, 70);
    odoo.database.write("hr.version", versions, { job_title: "Moved", department_id: 1 });
    assert.equal(odoo.database.table("hr.employee").rows.get(9)!.write_date, before);
    const { pages } = await run(employees, store, cursor);
    const expected = employeeState(odoo);
    assert.deepEqual(storedState(store, expected), expected);
    assert.equal(pages.flatMap((page) => page.records).length, 70);
  });
});

Deno.test("Odoo 19: who may not read versions is told so, and has the employees all the same", async () => {
  await withOdoo({ major: 19 }, async ({ odoo, user, run }) => {
    user.rights = "internal";
    createSome(odoo, "hr.employee", 3);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    assert.equal(store.records.size, 3);
    assert.match(store.warnings.join(), /may not read employee versions/);
    user.rights = "hr";
    odoo.database.write("hr.version", [2], { job_title: "Seen from now on" });
    await run(employees, store, cursor);
    assert.equal(store.records.get("2")!.job_title, "Seen from now on");
  });
});

for (const major of VERSIONS) {
  Deno.test(`Odoo ${major}: departments keep their hierarchy, through renaming and deletion`, async () => {
    await withOdoo({ major }, async ({ odoo, run }) => {
      const { database } = odoo;
      const root = database.create("hr.department", { name: "R&D" });
      const middle = database.create("hr.department", { name: "Tools <internal>", parent_id: root });
      const leaf = database.create("hr.department", { name: "Looms", parent_id: middle });
      createSome(odoo, "hr.department", 70);
      createSome(odoo, "hr.employee", 2);
      database.write("hr.department", [leaf], { manager_id: 2 });
      odoo.clock.advance(HOUR_MS);
      const store = new PageStore();
      let { cursor } = await run(departments, store, null);
      const leafRow = store.records.get(String(leaf))!;
      assert.equal(leafRow.complete_name, "R&D / Tools <internal> / Looms");
      assert.deepEqual([leafRow.parent_external_id, leafRow.manager_external_id], [String(middle), "2"]);
      // Nothing of the department tells of it.
      database.unlink("hr.employee", [2]);
      odoo.clock.advance(HOUR_MS);
      ({ cursor } = await run(departments, store, cursor));
      assert.equal(store.records.get(String(leaf))!.manager_external_id, null);
      database.write("hr.department", [root], { name: "Research" });
      ({ cursor } = await run(departments, store, cursor));
      assert.equal(store.records.get(String(leaf))!.complete_name, "Research / Tools <internal> / Looms");
      database.unlink("hr.department", [middle]);
      await run(departments, store, cursor);
      const expected = departmentState(odoo);
      assert.deepEqual(storedState(store, expected), expected);
      assert.equal(store.records.get(String(leaf))!.parent_external_id, null);
    });
  });
}

Deno.test("Odoo: fields that a server has not are not asked for", async () => {
  await withOdoo({}, async ({ odoo, run }) => {
    delete odoo.database.models["hr.employee"]!.fields.mobile_phone;
    createSome(odoo, "hr.employee", 2);
    const store = new PageStore();
    await run(employees, store, null);
    assert.equal(store.records.size, 2);
    assert.ok(!("mobile_phone" in store.records.get("1")!));
  });
});

Deno.test("Odoo: the checkpoint of another server or database is none: what is there is read", async () => {
  await withOdoo({}, async ({ odoo: before, run }) => {
    before.clock.advance(72 * HOUR_MS);
    createSome(before, "hr.employee", 6);
    const store = new PageStore();
    const { cursor } = await run(employees, store, null);
    await withOdoo({}, async ({ odoo, connect, run }) => {
      // As many records, and all of them older than what was read before.
      createSome(odoo, "hr.employee", 6);
      odoo.database.write("hr.employee", [1, 2, 3, 4, 5, 6], { name: "Of another company" });
      odoo.clock.advance(96 * HOUR_MS);
      const end = await run(employees, store, cursor).catch((error: { errorClass?: string }) => {
        assert.equal(error.errorClass, "cursor_expired");
        return run(employees, store, null);
      });
      const expected = employeeState(odoo);
      assert.deepEqual(storedState(store, expected), expected);
      const elsewhere = connect({ database: "another" });
      const storedCount = () => Promise.resolve(6);
      const request = { connection: elsewhere, cursor: end.cursor, parameters: {}, storedCount };
      await assert.rejects(employees.read(request), { errorClass: "cursor_expired" });
    });
  });
});

Deno.test("Odoo: a cursor of another form begins anew, one of the future finds nothing", async () => {
  await withOdoo({}, async ({ odoo, connect, run }) => {
    createSome(odoo, "hr.employee", 3);
    const store = new PageStore();
    await run(employees, store, null);
    const ahead = "2099-01-01 00:00:00";
    const future = { phase: "done", next: { records: ahead, versions: null, absent: 0 }, fresh: ahead };
    const { pages, cursor } = await run(employees, store, future);
    assert.deepEqual(pages.flatMap((page) => page.records), []);
    odoo.clock.advance(HOUR_MS);
    odoo.database.write("hr.employee", [1], { name: "Later" });
    await run(employees, store, cursor);
    assert.equal(store.records.get("1")!.name, "Later", "the next run is on its feet again");
    const storedCount = () => Promise.resolve(3);
    const old = { connection: connect(), cursor: { page: 3 }, parameters: {}, storedCount };
    await assert.rejects(employees.read(old), { errorClass: "cursor_expired" });
  });
});
