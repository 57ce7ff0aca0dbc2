import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { ExpressionError } from "../../expression/expression_error.ts";
import { ProviderError } from "../provider_error.ts";
import type { Page, PlainJson, ReadRequest, Source } from "../source.ts";
import { type ApiAnswer, ask } from "./ask.ts";
import type { ApiSecrets, RestConfig } from "./config.ts";
import { PageExpressions } from "./expressions.ts";
import { nextPage, pageRequest } from "./paging.ts";
import { advanced, newProgress, nextRun, type Progress, readProgress } from "./progress.ts";
import { type ReadRecord, readRecord } from "./read_record.ts";
import type { ResourceConfig } from "./resource_config.ts";

/** Most records of one answer: what one step may cost a worker. */
const MAX_PAGE_RECORDS = 5000;
/** Warnings of a page that are told one by one. */
const MAX_WARNINGS = 5;

/** A resource of an API as a stream. */
export function resourceSource(name: string, resource: ResourceConfig): Source<RestConfig, ApiSecrets> {
  return {
    stream: name,
    table: "api_records",
    entityType: resource.entity_type ?? name,
    functionName: "api-sync",
    read: (request) => readPage(name, resource, request),
  };
}

/** By what a cursor is known to be of these settings: with others what was read may look different. */
export async function settingsHash(config: RestConfig, resource: ResourceConfig): Promise<string> {
  return await shortHash(JSON.stringify([config.base_url, resource]));
}

async function readPage(
  name: string,
  resource: ResourceConfig,
  { connection, cursor }: ReadRequest<RestConfig, ApiSecrets>,
): Promise<Page> {
  const { config } = connection;
  const settings = await settingsHash(config, resource);
  const progress = runOf(readProgress(cursor, settings) ?? newProgress(settings), resource);
  const page = progress.page ?? { at: "first" };
  const request = pageRequest(config, name, resource, page, progress.since_ms);
  const answer = await ask(connection, request);
  const expressions = new PageExpressions();
  const list = await listOf(name, resource, answer.value, expressions);
  const read = await readAll(name, resource, list, expressions);
  const facts = await factsOf(name, resource, list, read, answer, expressions);
  const next = await inResource(
    name,
    () => nextPage(config, resource, page, request, answer, list.length, expressions),
  );
  const after = advanced(progress, { ...facts, next });
  if (next === null && comparesAll(resource, after)) {
    after.whole &&= await isSteady(name, resource, connection, after);
  }
  return pageOf(resource, progress, after, read);
}

/** Whether what does not come in this pass is gone. */
function comparesAll(resource: ResourceConfig, { full }: Progress): boolean {
  return full && resource.deletions === "full_pass";
}

/**
 * Whether the first page is what it was when the pass began. Where pages are counted, whatever moves between two of them
 * moves others onto pages that were read already: those would be missed, and taken for deleted.
 */
async function isSteady(
  name: string,
  resource: ResourceConfig,
  connection: ReadRequest<RestConfig, ApiSecrets>["connection"],
  { pages, first }: Progress,
): Promise<boolean> {
  const { kind } = resource.pagination;
  if ((kind !== "page" && kind !== "offset") || pages < 2) return true;
  const answer = await ask(connection, pageRequest(connection.config, name, resource, { at: "first" }, null));
  const expressions = new PageExpressions();
  const list = await listOf(name, resource, answer.value, expressions);
  return await contentHash(list, await readAll(name, resource, list, expressions)) === first;
}

/** The run that a page belongs to. */
function runOf(progress: Progress, resource: ResourceConfig): Progress {
  if (progress.page !== null) return progress;
  return nextRun(progress, resource.incremental ? resource.incremental.lookback_s * 1000 : null);
}

/**
 * The records of an answer.
 *
 * @throws {ProviderError} malformed_answer when there is no list: what says nothing of records must not count as "none".
 */
export async function listOf(
  name: string,
  resource: ResourceConfig,
  answer: PlainJson,
  expressions: PageExpressions,
): Promise<unknown[]> {
  const found = await inResource(name, () => expressions.evaluate(resource.records, answer));
  // JSONata gives the only item of a sequence by itself.
  const list = Array.isArray(found) ? found : typeof found === "object" && found !== null ? [found] : null;
  if (list === null && found !== null) {
    throw new ProviderError(
      "malformed_answer",
      `The API's answer for ${name} has no list at records; check the expression, or the answer.`,
    );
  }
  if (list !== null && list.length > MAX_PAGE_RECORDS) {
    throw new ProviderError(
      "misconfigured",
      `The API gives ${list.length} records of ${name} at once, more than ${MAX_PAGE_RECORDS}; ask for smaller pages.`,
    );
  }
  return list ?? [];
}

/** Tells of which resource an expression is that cannot be used. */
async function inResource<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ProviderError("misconfigured", `An expression of the resource ${name} fails: ${error.message}`);
  }
}

/** The last of those with one identifier counts, as it would if they came on two pages. */
async function readAll(
  name: string,
  resource: ResourceConfig,
  list: unknown[],
  expressions: PageExpressions,
): Promise<ReadRecord[]> {
  const known = new Map<string, ReadRecord>();
  for (const [index, record] of list.entries()) {
    const read = await readRecord(name, resource, record, expressions);
    known.set(idOf(read) ?? `${index}`, read);
  }
  return [...known.values()];
}

async function factsOf(
  name: string,
  resource: ResourceConfig,
  list: unknown[],
  read: ReadRecord[],
  answer: ApiAnswer,
  expressions: PageExpressions,
) {
  const totalText = resource.total;
  const total = totalText === undefined
    ? null
    : await inResource(name, () => expressions.evaluate(totalText, answer.value));
  const updatedMs = read.flatMap((one) => one.kind === "refused" ? [] : one.updatedMs ?? []);
  return {
    records: list.length,
    content: await contentHash(list, read),
    newestMs: updatedMs.length === 0 ? null : Math.max(...updatedMs),
    atMs: answer.atMs,
    total: typeof total === "number" && Number.isSafeInteger(total) && total >= 0 ? total : null,
    whole: read.every((one) => idOf(one) !== null),
  };
}

function pageOf(resource: ResourceConfig, before: Progress, after: Progress, read: ReadRecord[]): Page {
  const ended = after.page === null;
  const compares = comparesAll(resource, after);
  const warnings = warningsOf(read);
  if (ended && compares && !after.whole) {
    warnings.push(
      "The list was not read whole or changed meanwhile, so nothing is taken for deleted this time.",
    );
  }
  return {
    records: read.flatMap((one) => one.kind === "record" ? [one.record] : []),
    deletedIds: read.flatMap((one) => one.kind === "deleted" ? [one.externalId] : []),
    presentIds: read.flatMap((one) =>
      one.kind === "refused" && one.externalId !== null ? [one.externalId] : []
    ),
    cursor: { ...after },
    hasMore: !ended,
    beginsPass: after.full && before.pages === 0,
    completesPass: ended && compares && after.whole,
    estimate: after.total,
    warnings,
  };
}

function warningsOf(read: ReadRecord[]): string[] {
  const refused = read.flatMap((one, index) =>
    one.kind === "refused" ? [`Record ${index + 1} of a page ${one.reason}.`.replace(/\.\.$/, ".")] : []
  );
  if (refused.length <= MAX_WARNINGS) return refused;
  return [
    ...refused.slice(0, MAX_WARNINGS),
    `${refused.length - MAX_WARNINGS} more records of the page cannot be used.`,
  ];
}

/** A page by its identifiers, in their order: other fields may say when they were asked for. Null = it is empty. */
async function contentHash(list: unknown[], read: ReadRecord[]): Promise<string | null> {
  if (list.length === 0) return null;
  const ids = read.map(idOf);
  return await shortHash(JSON.stringify(ids.includes(null) ? list : ids));
}

function idOf(read: ReadRecord): string | null {
  return read.kind === "record" ? read.record.externalId : read.externalId;
}

async function shortHash(text: string): Promise<string> {
  return hexEncode(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8Bytes(text)))).slice(0, 16);
}
