import type { RestAccess } from "../../simulators/rest/access.ts";
import { RestCollection, type RestRecord } from "../../simulators/rest/collection.ts";
import type { RestPaging } from "../../simulators/rest/listing.ts";
import { quotaSpent, type RestSimulator, startRest, tooMany } from "../../simulators/rest/rest.ts";
import { restConfigSchema } from "../../supabase/functions/_shared/providers/api/config.ts";
import { newProgress } from "../../supabase/functions/_shared/providers/api/progress.ts";
import { settingsHash } from "../../supabase/functions/_shared/providers/api/resource_source.ts";
import type { ContractSubject, RunningSubject } from "./contract_subject.ts";

/** One way to page, with one way to know who asks: together the subjects have all of both. */
interface Variant {
  type: "api" | "custom";
  paging: RestPaging["kind"];
  access(): RestAccess;
  auth(api: RestSimulator): Record<string, unknown>;
  secretsOf(access: RestAccess): Record<string, unknown>;
  resource: Record<string, unknown>;
  /** Which records are gone stays listed. */
  marks?: boolean;
  deletions: ContractSubject["deletions"];
  bypass?: Record<string, string>;
  rateLimited?: RunningSubject["rateLimited"];
}

const PAGE_SIZE = 5;
const key = () => `key_${crypto.randomUUID()}`;
const ONE_REQUEST =
  "A list without pages is read by one request, so that a run is over after its first slice.";

const VARIANTS: Record<string, Variant> = {
  none: {
    type: "api",
    paging: "none",
    access: () => ({ kind: "api_key", in: "header", name: "x-crm-key", key: key() }),
    auth: () => ({ kind: "api_key", in: "header", name: "X-CRM-Key" }),
    secretsOf: (access) => ({ api_key: access.kind === "api_key" && access.key }),
    resource: { records: "$", deletions: "full_pass" },
    deletions: "always",
    bypass: {
      "being asked to wait is no failure, and is obeyed": ONE_REQUEST,
      "a revoked grant ends the run, marks the connector and tells the admins once": ONE_REQUEST,
      "a cancelled run keeps what it stored, and the next one goes on": ONE_REQUEST,
    },
  },
  cursor: {
    type: "api",
    paging: "cursor",
    access: () => ({
      ...{ kind: "client_credentials", clientId: "hub", clientSecret: key(), by: "basic" },
      ...{ scope: "things.read", audience: null, lifeSeconds: 3600 },
    }),
    auth: ({ tokenUrl }) => ({
      ...{
        kind: "oauth2_client_credentials",
        token_url: tokenUrl,
        scope: "things.read",
        client_auth: "basic",
      },
    }),
    secretsOf: (access) => ({
      client_id: "hub",
      client_secret: access.kind === "client_credentials" && access.clientSecret,
    }),
    marks: true,
    resource: {
      records: "data",
      total: "total",
      pagination: {
        ...{ kind: "cursor", next: "paging.next", parameter: "after" },
        ...{ size_parameter: "limit", size: PAGE_SIZE },
      },
      incremental: { parameter: "updated_since", lookback_s: 0 },
      deletions: { deleted: "deleted = true" },
    },
    deletions: "always",
  },
  link: {
    type: "api",
    paging: "link",
    access: () => ({ kind: "api_key", in: "query", name: "api_key", key: key() }),
    auth: () => ({ kind: "api_key", in: "query", name: "api_key" }),
    secretsOf: (access) => ({ api_key: access.kind === "api_key" && access.key }),
    resource: {
      records: "$",
      pagination: { kind: "link", size_parameter: "limit", size: PAGE_SIZE },
      incremental: { parameter: "updated_since" },
      deletions: "full_pass",
    },
    deletions: "full",
  },
  page: {
    type: "custom",
    paging: "page",
    access: () => ({ kind: "basic", username: "hub", password: key() }),
    auth: () => ({ kind: "basic" }),
    secretsOf: (access) => ({ username: "hub", password: access.kind === "basic" && access.password }),
    resource: {
      records: "items",
      more: "has_more",
      pagination: { kind: "page", size_parameter: "per_page", size: PAGE_SIZE },
      deletions: "full_pass",
    },
    deletions: "always",
    rateLimited: (seconds) => ({
      kind: "answer",
      response: () => quotaSpent(Math.floor(Date.now() / 1000) + seconds),
    }),
  },
  offset: {
    type: "api",
    paging: "offset",
    access: () => ({ kind: "bearer", token: key() }),
    auth: () => ({ kind: "bearer" }),
    secretsOf: (access) => ({ token: access.kind === "bearer" && access.token }),
    resource: {
      records: "results",
      total: "total",
      pagination: { kind: "offset", size_parameter: "limit", size: PAGE_SIZE },
      deletions: "full_pass",
    },
    deletions: "always",
  },
};

/** The streams of the connectors for any API, one for each way to page. */
export const apiSubjects: ContractSubject[] = Object.entries(VARIANTS).map(([name, variant]) => ({
  name: `${variant.type} paged by ${name}`,
  type: variant.type,
  stream: "things",
  table: "api_records",
  entityType: "thing",
  functionName: "api-sync",
  deletions: variant.deletions,
  bypass: variant.bypass,
  start: () => started(variant),
}));

async function started(variant: Variant): Promise<RunningSubject> {
  const things = new RestCollection(variant.marks);
  const access = variant.access();
  const api = startRest({
    access,
    paging: { kind: variant.paging, maxSize: PAGE_SIZE },
    collections: { things },
  });
  const config = configOf(variant, api);
  const parsed = restConfigSchema.parse(config);
  const settings = await settingsHash(parsed, parsed.resources.things!);
  const one = (random: () => number) => {
    const living = things.living();
    return living[Math.floor(random() * living.length)]!.id;
  };
  return {
    config,
    secrets: variant.secretsOf(access),
    badSecrets: variant.secretsOf(variant.access()),
    create: (count) => void Array.from({ length: count }, () => things.create()),
    edit: (random) => things.edit(one(random), { name: JSON.stringify(`Edited ${crypto.randomUUID()}`) }),
    remove: (random) => things.remove(one(random)),
    state: () => new Map(things.living().map((record) => [`things/${record.id}`, valuesOf(record)])),
    pageSize: PAGE_SIZE,
    faults: api.faults,
    rateLimited: variant.rateLimited ?? ((seconds) => ({ kind: "answer", response: () => tooMany(seconds) })),
    expireToken: access.kind === "client_credentials" ? () => api.tokens.expireAll() : undefined,
    revoke: () => {
      api.access = variant.access();
      api.tokens.expireAll();
    },
    futureCursor: "incremental" in variant.resource
      ? () => ({ ...newProgress(settings), newest_ms: Date.now() + 30 * 86_400_000 })
      : undefined,
    stop: api.stop,
  };
}

function configOf(variant: Variant, api: RestSimulator): Record<string, unknown> {
  return {
    base_url: api.url,
    auth: variant.auth(api),
    headers: { "X-Client": "Interlock" },
    retry: { statuses: [403], remaining: "x-ratelimit-remaining", at: "x-ratelimit-reset" },
    resources: {
      things: {
        path: "things",
        entity_type: "thing",
        fields: { name: "$uppercase(name)", amount: "amount", big: "big", note: "note" },
        updated_at: "updated_at",
        ...variant.resource,
      },
    },
  };
}

/** What the hub must hold of a record. */
function valuesOf({ id, fields, updatedMs }: RestRecord): Record<string, unknown> {
  return {
    record_id: id,
    data: {
      name: JSON.parse(fields.name!).toUpperCase(),
      // Digit by digit what the API wrote, which no number of JavaScript is.
      amount: fields.amount,
      big: fields.big,
      note: null,
    },
    provider_updated_at: new Date(updatedMs).toISOString(),
  };
}
