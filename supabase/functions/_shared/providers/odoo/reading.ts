import { errorFields } from "../../log.ts";
import { ProviderError } from "../provider_error.ts";
import type { Page, ReadRequest, Source } from "../source.ts";
import { type At, type Checkpoint, checkpointOf, type Marks } from "./checkpoint.ts";
import { clientOf, newClientOf, type OdooClient } from "./client.ts";
import type { Kind } from "./kind.ts";
import { nextMark, secondAfter } from "./marks.ts";
import { countOf, type Domain, idsOf, newestOf, readField, readRecords } from "./questions.ts";
import type { OdooConfig, OdooSecrets } from "./settings.ts";

/** Ids in one answer: an id is some thirty bytes of it. */
const IDS_PER_PAGE = 5000;

/** What a step needs to know. */
interface Step {
  kind: Kind;
  client: OdooClient;
  batchSize: number;
  storedCount: () => Promise<number>;
}

/**
 * A model of Odoo as a source. Pages are cut by id, which never changes: neither an edit between two pages nor thousands
 * of records of one write_date can push a record over a page's edge. docs/connectors/odoo.md says it in words.
 */
export function sourceOf(kind: Kind): Source<OdooConfig, OdooSecrets> {
  const { stream, table, entityType } = kind;
  return {
    ...{ stream, table, entityType, functionName: "odoo-sync" },
    async read(request: ReadRequest<OdooConfig, OdooSecrets>): Promise<Page> {
      const place = placeOf(request.connection.config);
      const at = request.cursor === null ? null : checkpointOf(request.cursor, place);
      const page = await readFrom(at, kind, request);
      return { ...page, cursor: { ...page.cursor, place } };
    },
  };
}

/** Which records there are, as far as settings say it: those of another server or database have the same ids. */
function placeOf({ url, database }: OdooConfig): string {
  return `${url} ${database ?? ""}`.trim();
}

/** The step that a checkpoint stands before; a second time where what an earlier slice learnt does not hold any more. */
async function readFrom(
  at: Checkpoint | null,
  kind: Kind,
  { connection, storedCount }: ReadRequest<OdooConfig, OdooSecrets>,
): Promise<Page> {
  const readWith = async (client: OdooClient): Promise<Page> => {
    const page = await stepOf({ kind, client, batchSize: connection.config.batch_size, storedCount }, at);
    return page.hasMore ? { ...page, cursor: { ...page.cursor, learnt: client.learnt() } } : page;
  };
  const client = await clientOf(connection, at?.learnt);
  try {
    return await readWith(client);
  } catch (error) {
    if (!client.isRemembered || !mayBeOutdated(error)) throw error;
    connection.log.info("what was learnt of the server is asked again", errorFields(error));
    return await readWith(await newClientOf(connection));
  }
}

async function stepOf(step: Step, at: Checkpoint | null): Promise<Page> {
  switch (at?.phase) {
    case undefined:
      return await beginAll(step);
    case "all":
      return await readAll(step, at);
    case "changes":
      return await readChanges(step, at);
    case "versions":
      return await readVersions(step, at);
    case "check":
      return await check(step, at);
    case "ids":
      return await readIds(step, at);
    case "done":
      return step.kind.alwaysWhole ? await beginAll(step) : await beginChanges(step, at.next);
  }
}

/**
 * Whether a failure may come of what an earlier slice learnt: the server was upgraded, the key is another user's now, a
 * field has gone (Odoo says ValueError) or must not be read any more.
 */
function mayBeOutdated(error: unknown): boolean {
  return error instanceof ProviderError &&
    (["reconnect_needed", "misconfigured", "permission_missing"].includes(error.errorClass) ||
      error.providerCode === "ValueError");
}

/** What holds from the beginning of a run to its end. */
interface Beginning {
  run: { next: Marks; fresh: string };
  newest: { records: string | null; versions: string | null };
  warnings: string[];
}

/** Looks at the newest of everything before anything is read: what comes later belongs to the next run. */
async function begin({ client, kind }: Step, absent: number): Promise<Beginning> {
  const records = await newestOf(client, kind.model);
  const [versions, warnings] = await newestVersion(client, kind);
  const next: Marks = {
    records: nextMark(records.newest, records.servedAtMs),
    versions: versions && nextMark(versions.newest, versions.servedAtMs),
    absent,
  };
  return {
    run: { next, fresh: secondAfter(records.newest) },
    newest: { records: records.newest, versions: versions?.newest ?? null },
    warnings,
  };
}

type Newest = Awaited<ReturnType<typeof newestOf>>;

/** Null where there are no versions, or where the user may not read them: then it is said, and the rest is read. */
async function newestVersion(client: OdooClient, { versions }: Kind): Promise<[Newest | null, string[]]> {
  if (!versions || client.version.major < 19) return [null, []];
  try {
    return [await newestOf(client, versions.model), []];
  } catch (error) {
    const isRefused = error instanceof ProviderError &&
      ["permission_missing", "misconfigured"].includes(error.errorClass);
    if (!isRefused) throw error;
    return [null, [
      `${error.message} Until then, changes of department and job may be seen with a full sync only.`,
    ]];
  }
}

/** @param absent - how many are missing: those that still are when everything has been read cannot be stored. */
async function beginAll(step: Step, absent = 0): Promise<Page> {
  const { run, warnings } = await begin(step, absent);
  const estimate = await countOf(step.client, step.kind.model, []);
  const page = await readAll(step, { phase: "all", last: 0, ...run });
  return { ...page, beginsPass: true, estimate, warnings };
}

async function readAll(step: Step, at: At<"all">): Promise<Page> {
  const { kind, client, batchSize } = step;
  const records = await readRecords(client, kind, [["id", ">", at.last]], batchSize);
  const hasMore = records.length === batchSize;
  return {
    records,
    deletedIds: [],
    cursor: hasMore ? { ...at, last: lastId(records) } : done(at),
    hasMore,
    completesPass: !hasMore,
  };
}

async function beginChanges(step: Step, since: Marks): Promise<Page> {
  const { run, newest, warnings } = await begin(step, since.absent);
  const hasChanges = newest.records !== null && newest.records >= since.records;
  if (hasChanges) {
    const estimate = await countOf(step.client, step.kind.model, [["write_date", ">=", since.records]]);
    const page = await readChanges(step, { phase: "changes", last: 0, since, ...run });
    return { ...page, estimate, warnings };
  }
  const page = run.next.versions !== null && newest.versions !== null &&
      newest.versions >= (since.versions ?? "")
    ? await readVersions(step, { phase: "versions", last: 0, since, ...run })
    : await check(step, { phase: "check", ...run });
  return { ...page, warnings };
}

async function readChanges(step: Step, at: At<"changes">): Promise<Page> {
  const { kind, client, batchSize } = step;
  const domain: Domain = [["write_date", ">=", at.since.records], ["id", ">", at.last]];
  const records = await readRecords(client, kind, domain, batchSize);
  const { since, next, fresh } = at;
  const after: Checkpoint = next.versions === null
    ? { phase: "check", next, fresh }
    : { phase: "versions", last: 0, since, next, fresh };
  const cursor = records.length === batchSize ? { ...at, last: lastId(records) } : after;
  return { records, deletedIds: [], cursor, hasMore: true };
}

/**
 * The records whose versions were written: nothing of the record itself need tell of it. Those that were written
 * themselves since are left out: they have been read, or their new write_date belongs to the next run.
 */
async function readVersions(step: Step, at: At<"versions">): Promise<Page> {
  const { kind, client, batchSize } = step;
  const { model, field } = kind.versions!;
  const domain: Domain = [
    ["write_date", ">=", at.since.versions ?? "1970-01-01 00:00:00"],
    [`${field}.write_date`, "<", at.since.records],
    ["id", ">", at.last],
  ];
  const versions = await readField(client, model, field, domain, batchSize);
  const ids = [...new Set(versions.flatMap(({ value }) => Array.isArray(value) ? [value[0]!] : []))];
  const records = ids.length === 0 ? [] : await readRecords(client, kind, [["id", "in", ids]], ids.length);
  const { next, fresh } = at;
  const cursor: Checkpoint = versions.length === batchSize
    ? { ...at, last: versions.at(-1)!.id }
    : { phase: "check", next, fresh };
  return { records, deletedIds: [], cursor, hasMore: true };
}

/** Holds what is stored against what is there: a deletion leaves no other trace. */
async function check(step: Step, at: At<"check">): Promise<Page> {
  const { kind, client } = step;
  const [there, stored] = [await countOf(client, kind.model, []), await step.storedCount()];
  if (stored > there) {
    const page = await readIds(step, { ...at, phase: "ids", last: 0 });
    return { ...page, beginsPass: true };
  }
  if (stored < there) {
    const created = await countOf(client, kind.model, [["create_date", ">=", at.fresh]]);
    const missing = there - stored - created;
    // More than was created meanwhile, or could not be stored: it was committed so late that no lookback reached it.
    if (missing > at.next.absent) return await beginAll(step, missing);
  }
  const absent = Math.min(at.next.absent, there - stored);
  return {
    records: [],
    deletedIds: [],
    cursor: done({ ...at, next: { ...at.next, absent } }),
    hasMore: false,
  };
}

async function readIds(step: Step, at: At<"ids">): Promise<Page> {
  const ids = await idsOf(step.client, step.kind.model, [["id", ">", at.last]], IDS_PER_PAGE);
  const hasMore = ids.length === IDS_PER_PAGE;
  return {
    records: [],
    deletedIds: [],
    presentIds: ids.map(String),
    cursor: hasMore ? { ...at, last: ids.at(-1)! } : done(at),
    hasMore,
    completesPass: !hasMore,
  };
}

function done({ next, fresh }: Checkpoint): At<"done"> {
  return { phase: "done", next, fresh };
}

function lastId(records: { externalId: string }[]): number {
  return Number(records.at(-1)!.externalId);
}
