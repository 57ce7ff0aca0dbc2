import { ProviderError } from "../provider_error.ts";
import type { ConnectorTest } from "../synced_connector.ts";
import { ask, type RestConnection } from "./ask.ts";
import { expressionProblem, PageExpressions } from "./expressions.ts";
import { pageRequest, resourceUrl } from "./paging.ts";
import { readRecord } from "./read_record.ts";
import type { ResourceConfig } from "./resource_config.ts";
import { listOf } from "./resource_source.ts";

/**
 * Tries the API: every expression is read, and one request made, of `test_path` or of the first resource's first page.
 *
 * @throws {ProviderError} whose sentence says why it does not work.
 */
export async function testRest(connection: RestConnection): Promise<ConnectorTest> {
  const { config } = connection;
  const resources = Object.entries(config.resources);
  for (const [name, resource] of resources) await checkExpressions(name, resource);
  const [first] = resources;
  if (config.test_path !== undefined || first === undefined) {
    const url = resourceUrl(config.base_url, config.test_path ?? "");
    await ask(connection, { url, method: "GET", what: config.test_path ?? "base_url", continued: false });
    return { message: `The API answers and takes the credentials.`, accountName: null };
  }
  const [name, resource] = first;
  const answer = await ask(connection, pageRequest(config, name, resource, { at: "first" }, null));
  const expressions = new PageExpressions();
  const list = await listOf(name, resource, answer.value, expressions);
  const sample = list.length === 0 ? null : await readRecord(name, resource, list[0], expressions);
  if (sample?.kind === "refused") {
    throw new ProviderError(
      "misconfigured",
      `The first record of ${name} ${sample.reason}.`.replace(/\.\.$/, "."),
    );
  }
  return {
    message: `The API answers and takes the credentials; the first page of ${name} has ${
      countOf(list.length)
    }.`,
    accountName: null,
  };
}

async function checkExpressions(name: string, resource: ResourceConfig): Promise<void> {
  for (const [setting, text] of expressionsOf(resource)) {
    const problem = await expressionProblem(text);
    if (problem === null) continue;
    throw new ProviderError("misconfigured", `The expression ${setting} of the resource ${name}: ${problem}`);
  }
}

function expressionsOf(resource: ResourceConfig): [setting: string, text: string][] {
  const { pagination, deletions, fields = {} } = resource;
  const all: [string, string | undefined][] = [
    ["records", resource.records],
    ["id", resource.id],
    ["updated_at", resource.updated_at],
    ["more", resource.more],
    ["total", resource.total],
    ["pagination.next", "next" in pagination ? pagination.next : undefined],
    ["deletions.deleted", typeof deletions === "object" ? deletions.deleted : undefined],
    ...Object.entries(fields).map(([field, text]): [string, string] => [`fields.${field}`, text]),
  ];
  return all.filter((one): one is [string, string] => one[1] !== undefined);
}

function countOf(count: number): string {
  return count === 1 ? "1 record" : `${count} records`;
}
