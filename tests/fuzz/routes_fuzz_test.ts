import assert from "node:assert/strict";
import fc from "fast-check";
import { loadFunctions } from "../../local/generate_docs.ts";
import { inputSchema } from "../../supabase/functions/_shared/http/openapi_operation.ts";
import { openApiRoute } from "../../supabase/functions/_shared/http/openapi.ts";
import type { AnyRoute } from "../../supabase/functions/_shared/http/route.ts";
import { BODY_SIGNERS } from "../support/body_signatures.ts";
import { createDemoWebhook, RouteTargets, signInDemo } from "../support/route_targets.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { placesIn } from "./json_text.ts";
import { mutated, type RightRequest, rightRequest } from "./fuzz_request.ts";
import { eachOnce } from "./each_once.ts";
import {
  anyMutation,
  CREDENTIALS,
  type Credentials,
  everyMutation,
  type Mutation,
  type Surface,
} from "./mutation.ts";
import { sendRaw } from "../support/raw_http.ts";
import { validInput } from "./valid_input.ts";
import { faultOf } from "./verdict.ts";

/** Longer than any route takes: what is not there by then hangs. */
const ANSWER_TIMEOUT_MS = 15_000;
const IN_FLIGHT = 6;
/** Requests per route drawn by the seed, beside those of every run: a few single mutations, a third as many of anything. */
const runs = Number(Deno.env.get("FUZZ_RUNS") ?? 100);
const singleMutations = Math.ceil(runs / 4);
/** Beside them, in each field of the fullest body so many hostile values, drawn by the seed; FUZZ_RUNS=1000 tries all. */
const valuesPerField = Math.ceil(runs / 20);
const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);
const repeat = `FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`;

type Case = [RightRequest, Mutation, Credentials];

const base = new URL(stack.apiUrl);
const caller = await signInDemo();

/**
 * Every request of a route that would be right: one per example and, where signed, per provider's scheme. What they
 * name is made for this route alone, since some requests change it.
 */
async function rightRequests(functionName: string, route: AnyRoute): Promise<RightRequest[]> {
  const providers = route.signature === "webhook" ? Object.keys(BODY_SIGNERS) : ["generic_hmac"];
  const targets = await Promise.all(
    providers.map(async (provider) => new RouteTargets(caller, await createDemoWebhook(caller, provider))),
  );
  const examples = route.examples?.length ? route.examples : [undefined];
  return await Promise.all(
    targets.flatMap((one) => examples.map((example) => rightRequest(functionName, route, example, one))),
  );
}

/** Sends one mutated request; answers what is wrong with the answer, or null. */
async function attempt(
  right: RightRequest,
  mutation: Mutation,
  credentials: Credentials,
): Promise<string | null> {
  const request = mutated(right, mutation, credentials);
  try {
    const answer = await sendRaw(base, request, ANSWER_TIMEOUT_MS);
    const fault = faultOf(right.route, request, answer);
    return fault && `${fault}: ${answer.text.slice(0, 300)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Sends all of them, some at a time; answers the faults. */
async function faultsOf(cases: Case[]): Promise<string[]> {
  const faults: string[] = [];
  const waiting = [...cases];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const fault = await attempt(...next);
      if (fault) faults.push(`${JSON.stringify(next[1]).slice(0, 300)} with ${next[2]} credentials ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return faults;
}

/** A right request may hold a tenant's deliveries, or everybody's; whatever is tested after would wait for them. */
async function letDeliveriesGo(): Promise<void> {
  await sql`select private.hold_deliveries(p.tenant_id, 'open', null) from private.delivery_pauses p`;
}

const functions = await loadFunctions();

stackTest(`FUZZ: routes are found by themselves; ${repeat} repeats this run`, () => {
  const folders = [...Deno.readDirSync(new URL("../../supabase/functions", import.meta.url))]
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("_")).map((entry) => entry.name).sort();
  assert.deepEqual(functions.map(({ name }) => name), folders);
  for (const { name, routes } of functions) assert.ok(routes.length > 0, name);
  return Promise.resolve();
});

const fuzzed = functions.flatMap(({ name, routes }) =>
  [...routes, openApiRoute(name, routes)].map((route) => ({ name, route }))
);

for (const [turn, { name, route }] of fuzzed.entries()) {
  const line = `${name} ${route.method} ${route.path}`;

  stackTest(`FUZZ ${line}: each field, header, parameter and byte wrong once`, async () => {
    const rights = await rightRequests(name, route);
    await assertSomeSucceed(line, rights);
    const sent = casesOf(route, rights, turn);
    const faults = await faultsOf(sent);
    await letDeliveriesGo();
    const listed = faults.slice(0, 40).join("\n");
    assert.equal(faults.length, 0, `${faults.length} of ${sent.length} (${repeat})\n${listed}`);
  });

  stackTest(`FUZZ ${line}: anything at all`, async () => {
    const rights = await rightRequests(name, route);
    await fc.assert(
      fc.asyncProperty(fc.array(anyCase(route), { minLength: 1, maxLength: 6 }), async (cases) => {
        const faults = await faultsOf(cases.map(({ example, body, mutation, credentials }) => {
          const right = rights[example % rights.length]!;
          return [body === undefined ? right : { ...right, body }, mutation, credentials];
        }));
        assert.deepEqual(faults, []);
      }),
      { numRuns: Math.ceil(runs / 10), seed, endOnFailure: false },
    ).finally(letDeliveriesGo);
  });
}

/** What every run sends, and what the seed adds to it. */
function casesOf(route: AnyRoute, rights: RightRequest[], turn: number): Case[] {
  const fullest = fullestOf(rights);
  const everything = rights.flatMap((right) => {
    return [...everyMutation(surfaceOf(route, right))].map((mutation): Case => [right, mutation, "right"]);
  });
  for (const [index, [right, mutation]] of [...everything].entries()) {
    // Without credentials the same mutations meet less code: one in eight will do.
    if (index % 8 === 0) everything.push([right, mutation, CREDENTIALS[1 + index / 8 % 2]!]);
  }
  const once = [...eachOnce(surfaceOf(route, fullest), turn)].map((
    mutation,
  ): Case => [fullest, mutation, "right"]);
  const cases = [...once, ...ofEachField(everything, fullest), ...drawn(everything, singleMutations)];
  const different = new Map(
    cases.map((one) => [JSON.stringify([rights.indexOf(one[0]), one[1], one[2]]), one]),
  );
  // Another method may take away what all of them name.
  return [...different.values()].sort(([, one], [, other]) =>
    Number(one.kind === "method") - Number(other.kind === "method")
  );
}

function surfaceOf(route: AnyRoute, { body, params }: RightRequest): Surface {
  return { body, queryNames: queryNames(route), segments: Object.keys(params).length };
}

/** A route that refuses what is right would be fuzzed no deeper than its first check. */
async function assertSomeSucceed(line: string, rights: RightRequest[]): Promise<void> {
  const answers = await Promise.all(
    rights.map((right) => sendRaw(base, mutated(right, { kind: "nothing" }, "right"), ANSWER_TIMEOUT_MS)),
  );
  const told = answers.map(({ status, text }) => `${status} ${text.slice(0, 200)}`).join("\n");
  assert.ok(
    answers.some(({ status }) => status < 400),
    `${line} refuses every right request; show an example, and in route_targets.ts what it names:\n${told}`,
  );
}

function fullestOf(rights: RightRequest[]): RightRequest {
  return rights.toSorted((one, other) => placesIn(other.body).length - placesIn(one.body).length)[0]!;
}

/** In every field of a body some hostile values, other ones in each; and always what needs no value. */
function ofEachField(cases: Case[], fullest: RightRequest): Case[] {
  const byField = Map.groupBy(
    cases.filter(([right, { kind }, credentials]) =>
      right === fullest && kind === "field" && credentials === "right"
    ),
    ([, mutation]) => mutation.kind === "field" && mutation.at,
  );
  return [...byField.values()].flatMap((ofField, index) => {
    const replacing = ofField.filter(([, mutation]) =>
      mutation.kind === "field" && mutation.does === "replace"
    );
    const others = ofField.filter((one) => !replacing.includes(one));
    return [...others, ...drawn(replacing, valuesPerField, seed + index)];
  });
}

/** As many as wanted, any of them equally likely, the same for the same seed. */
function drawn(cases: Case[], wanted: number, drawnBy = seed): Case[] {
  const length = Math.min(cases.length, Math.ceil(wanted));
  const subsets = fc.shuffledSubarray(cases, { minLength: length, maxLength: length });
  return fc.sample(subsets, { seed: drawnBy, numRuns: 1 })[0]!;
}

function anyCase(route: AnyRoute) {
  return fc.record({
    example: fc.nat(20),
    body: route.body
      ? fc.option(validInput(inputSchema(route.body)), { nil: undefined })
      : fc.constant(undefined),
    mutation: anyMutation(queryNames(route)),
    credentials: fc.constantFrom<Credentials>("right", "right", "right", "right", "none", "wrong"),
  });
}

function queryNames(route: AnyRoute): string[] {
  return route.query ? Object.keys(inputSchema(route.query).properties ?? {}) : [];
}
