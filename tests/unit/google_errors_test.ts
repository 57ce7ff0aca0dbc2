import assert from "node:assert/strict";
import { freePort } from "../../local/free_port.ts";
import {
  failed,
  lacksScope,
  refusal,
  tooManyRequests,
  userRateLimited,
} from "../../simulators/google/answers.ts";
import type { Fault } from "../../simulators/faults.ts";
import { newTiming } from "../../supabase/functions/_shared/guardrails/egress/egress_error.ts";
import { driveFiles } from "../../supabase/functions/_shared/providers/google_workspace/drive.ts";
import { errorOf } from "../../supabase/functions/_shared/providers/google_workspace/errors.ts";
import { testGoogle } from "../../supabase/functions/_shared/providers/google_workspace/trial.ts";
import {
  googleConfig,
  missingServices,
} from "../../supabase/functions/_shared/providers/google_workspace/settings.ts";
import { grantOf, withGoogle } from "../support/google_account.ts";
import { refused } from "../support/google_drive_edits.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";

const port = freePort();
withHubEnvironment({
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${port}`,
});

const text = (status: number, body: string): Fault => ({
  kind: "answer",
  response: () => new Response(body, { status }),
});

/** What Google says -> the class it is of, and how long it asks to wait. */
const CLASSES: [string, Fault, string, number | null][] = [
  ["429 with Retry-After", tooManyRequests(17), "rate_limited", 17_000],
  ["403 userRateLimitExceeded", userRateLimited(), "rate_limited", null],
  [
    "403 insufficientPermissions",
    { kind: "answer", response: () => failed(lacksScope().failure) },
    "permission_missing",
    null,
  ],
  ["403 accessNotConfigured", refusal(403, "accessNotConfigured"), "misconfigured", null],
  ["403 domainPolicy", refusal(403, "domainPolicy"), "permission_missing", null],
  ["403 of no known reason", refusal(403, "forbidden"), "permission_missing", null],
  ["404", refusal(404, "notFound"), "misconfigured", null],
  ["400", refusal(400, "invalid"), "misconfigured", null],
  ["500", text(500, "oops"), "transient", null],
  ["503 with a page of HTML", text(503, "<html>"), "transient", null],
  ["200 that is no JSON", text(200, "<html>hello</html>"), "malformed_answer", null],
  ["200 without what was asked for", text(200, "{}"), "malformed_answer", null],
  ["200 that is a list", text(200, "[]"), "malformed_answer", null],
  ["302", text(302, ""), "malformed_answer", null],
  ["half an answer", { kind: "cut" }, "malformed_answer", null],
  ["a connection that breaks", { kind: "hang_up" }, "transient", null],
];

for (const [name, fault, errorClass, waitMs] of CLASSES) {
  Deno.test({
    name: `GOOGLE ERRORS: ${name} is ${errorClass}`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withGoogle(port, async ({ google, hub }) => {
        google.faults.planNext(fault);
        const error = await refused(hub(driveFiles).run(), errorClass);
        assert.equal(error.retryAfterMs, waitMs);
        assert.match(error.message, /^[A-Z].*\.$/);
      }),
  });
}

Deno.test("GOOGLE ERRORS: an instant that Gmail names is a wait, and nothing Google says is repeated", () => {
  const body = {
    error: {
      code: 429,
      message: "User-rate limit exceeded.  Retry after 2026-11-22T10:00:30.000Z (ann@example.com)",
    },
  };
  const response = {
    ...{ status: 429, headers: new Headers(), truncated: false },
    body: new TextEncoder().encode(JSON.stringify(body)),
    timing: newTiming(),
  };
  const error = errorOf(
    { service: "gmail", hasToken: false },
    response,
    Date.parse("2026-11-22T10:00:00Z"),
  );
  assert.equal(error.retryAfterMs, 30_000);
  assert.ok(!error.message.includes("ann@example.com"));
});

Deno.test({
  name: "GOOGLE ERRORS: a token that ended is renewed once; one that was revoked needs a person",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withGoogle(port, async ({ google, tokens, hub }) => {
      google.drive.store.createFile();
      const reader = hub(driveFiles);
      await reader.run();
      tokens.endAll("expired");
      await reader.run({ mode: "full" });
      assert.equal(reader.held.size, 1);
      tokens.endAll("revoked");
      await refused(reader.run(), "reconnect_needed");
    }),
});

Deno.test({
  name: "GOOGLE: the test of a connector names the account, and what is missing",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withGoogle(port, async ({ google, hub }) => {
      const services = ["drive", "gmail", "calendar"];
      const tested = (config: object) => testGoogle(hub(driveFiles, { services, ...config }).connection);
      assert.equal((await tested({})).accountName, "ann@example.com");
      const { store } = google.drive;
      const folder = store.createFolder("Chosen").id;
      const file = store.createFile().id;
      assert.match((await tested({ folder_id: folder })).message, /Google Drive, Gmail, Google Calendar/);
      for (
        const config of [{ folder_id: file }, { folder_id: "none" }, { drive_ids: ["none"] }, {
          calendar_ids: ["none"],
        }]
      ) {
        await refused(tested(config), "misconfigured");
      }
    }),
});

Deno.test("GOOGLE: settings are strict, and a wider scope of before is enough", () => {
  const config = googleConfig();
  assert.deepEqual(config.parse({}), { services: ["drive"], calendar_ids: ["primary"] });
  const bad = [
    { folder_id: "a", drive_ids: ["b"] },
    { folder_id: "it's" },
    { services: [] },
    { services: ["drive", "drive"] },
    { gmail_label_ids: ["TRASH"] },
    { unknown: 1 },
  ];
  for (const settings of bad) {
    assert.equal(config.safeParse(settings).success, false, JSON.stringify(settings));
  }
  const all = config.parse({ services: ["drive", "gmail", "calendar"] });
  assert.deepEqual(missingServices(all, grantOf("x").scope), []);
  assert.deepEqual(missingServices(all, "https://www.googleapis.com/auth/drive https://mail.google.com/"), [
    "calendar",
  ]);
  assert.deepEqual(missingServices(all, ""), ["drive", "gmail", "calendar"]);
});
