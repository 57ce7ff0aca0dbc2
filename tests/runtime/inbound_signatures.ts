import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pushClaims, startGoogleIdentity } from "../../simulators/google/identity.ts";
import { SIGNATURE_VECTORS } from "../vectors/webhook_signatures.ts";
import { runHosted } from "./hosted_runtime.ts";

const URL_GIVEN = "https://hub.example/functions/v1/webhook-receiver/1";
const EMAIL = "push@example.iam.gserviceaccount.com";

/**
 * Verifies every vector, a sample of every scheme and app that can make one, and a token of Google's, under the hosted
 * runtime's Deno; and sees each of them refused once it is changed. This also loads what a boot leaves out: the XML parser, and
 * what verifies tokens.
 *
 * @throws {Error} naming what did not come out as it should.
 */
export async function checkInboundSignatures(functionsDir: string): Promise<void> {
  const google = startGoogleIdentity();
  const registry = pathToFileURL(join(functionsDir, "_shared/providers/registry.ts")).href;
  const token = google.token(pushClaims(Date.now(), URL_GIVEN, EMAIL));
  const apps = pathToFileURL(join(functionsDir, "_shared/providers/apps.ts")).href;
  const code = `
    import { schemeOf, webhookProviders } from ${JSON.stringify(registry)};
    import { appOf, appProviders } from ${JSON.stringify(apps)};
    const now = Date.now();
    const wrong = [];
    const check = async (what, provider, secret, given, request, nowMs) => {
      const scheme = await schemeOf(provider);
      const settings = scheme.settings().parse(given);
      const key = await scheme.importKey(secret, settings);
      const verifies = (changed) => scheme.verify({ ...request, headers: new Headers(request.headers), ...changed }, key, nowMs);
      if (!await verifies({})) wrong.push(what + " does not verify");
      if (await verifies({ headers: new Headers(), url: ${
    JSON.stringify(URL_GIVEN)
  }, body: new Uint8Array() })) {
        wrong.push(what + " verifies without its signature");
      }
      if (nowMs !== now) return;
      if ((await scheme.elements({ ...request, headers: new Headers(request.headers) }, settings)).length !== 1) {
        wrong.push(what + " is not one element");
      }
    };
    for (const { provider, what, secret, settings = {}, nowMs, url = ${
    JSON.stringify(URL_GIVEN)
  }, headers, body }
      of ${JSON.stringify(SIGNATURE_VECTORS)}) {
      const request = { method: "POST", url, headers, body: new TextEncoder().encode(body) };
      await check(provider + ", " + what, provider, secret, settings, request, nowMs);
    }
    for (const provider of webhookProviders) {
      const scheme = await schemeOf(provider);
      const secret = scheme.generateSecret();
      const settings = scheme.settings().parse(scheme.exampleSettings);
      const sample = await scheme.sample(secret, settings, now, ${JSON.stringify(URL_GIVEN)});
      if (sample) await check(scheme.provider + ", a sample", scheme.provider, secret, settings, sample, now);
    }
    for (const provider of appProviders) {
      const app = await appOf(provider);
      const sample = await app.sample("the-secret-of-an-app", "7", now, ${JSON.stringify(URL_GIVEN)});
      const request = { ...sample, headers: new Headers(sample.headers) };
      const key = await app.keyFor("the-secret-of-an-app", request);
      if (!await app.scheme.verify(request, key, now)) wrong.push("the app of " + provider + " does not verify");
      const accounts = (await app.shares(request)).map(({ accountId, elements }) => accountId + ":" + elements.length);
      if (accounts.join() !== "7:1") wrong.push("the app of " + provider + " has " + accounts);
    }
    const pushed = {
      method: "POST",
      url: ${JSON.stringify(URL_GIVEN)},
      headers: { authorization: ${JSON.stringify(`Bearer ${token}`)} },
      body: new TextEncoder().encode('{"message":{"messageId":"1"},"subscription":"s"}'),
    };
    const settings = { service_account_email: ${JSON.stringify(EMAIL)} };
    await check("a token of Google's", "google_pubsub", "0".repeat(32), settings, pushed, now);
    console.log(wrong.join("; ") || "all right");`;
  try {
    const said = await runHosted(functionsDir, code, {
      SUPABASE_URL: "http://127.0.0.1:1",
      SUPABASE_SECRET_KEYS: "{}",
      INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
      INTERLOCK_GOOGLE_KEYS_URL: google.keysUrl,
    });
    if (said !== "all right") throw new Error(said);
  } finally {
    await google.stop();
  }
}
