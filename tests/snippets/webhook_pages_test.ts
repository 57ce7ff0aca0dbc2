import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { SIGNATURE_VECTORS } from "../vectors/webhook_signatures.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { snippetsOf } from "./extract.ts";

/** Pages with commands for a shell; the later ones use what the first one defines. */
const PAGES = ["generic_hmac", "token", "basic_auth"];

async function bash(script: string, env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    env,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** A page's commands as somebody types them, but at the stack of this run. */
function commandsOf(page: string): string {
  const code = snippetsOf(`providers/${page}.md`).filter(({ language }) => language === "sh")
    .map((snippet) => snippet.code).join("\n");
  assert.ok(code, page);
  return code.replace("http://127.0.0.1:54321", stack.apiUrl)
    .replace(/^KEY=.*$/m, `KEY=${stack.publishableKey}`);
}

stackTest("the worked examples of the webhooks' pages do what they say, with openssl and curl", async () => {
  const output = await bash(PAGES.map(commandsOf).join("\n"));
  const answers = output.split("}").filter(Boolean).map((text) => JSON.parse(`${text}}`));
  assert.equal(answers.length, 4, output);
  const receipts = await sql`select id, provider from public.webhook_receipts
    where id in ${sql(answers.map(({ receipt_id }) => receipt_id))} order by received_at`;
  assert.deepEqual(receipts.map(({ provider }) => provider), [
    "generic_hmac",
    "generic_hmac",
    "token",
    "basic_auth",
  ]);
  for (const answer of answers) {
    assert.deepEqual({ ...answer, receipt_id: "" }, { success: true, duplicate: false, receipt_id: "" });
  }
});

stackTest(
  "the second example is refused once a digit of its signature is changed, as its page says",
  async () => {
    const commands = commandsOf("generic_hmac");
    assert.match(commands, /x-till-signature: v1=\$SIGNATURE/);
    const spoilt = commands.replace(
      "x-till-signature: v1=$SIGNATURE",
      "x-till-signature: v1=A${SIGNATURE#?}",
    );
    const [, refused] = (await bash(spoilt)).split("}");
    assert.match(refused!, /UNAUTHENTICATED/);
  },
);

stackTest("the examples of the apps' pages reach the tenants of the seed's accounts", async () => {
  const expected = { hubspot: ["acme", "globex"], slack: ["acme"], zoho: ["acme"] };
  for (const [page, tenants] of Object.entries(expected)) {
    const { receipt_ids, ...answer } = JSON.parse(await bash(commandsOf(page)));
    assert.deepEqual(answer, { success: true, duplicate: false, unknown_accounts: 0 }, page);
    const receipts = await sql`select t.slug, r.provider from public.webhook_receipts r
      join public.tenants t on t.id = r.tenant_id where r.id in ${sql(receipt_ids)} order by t.slug`;
    assert.deepEqual(
      receipts.map(({ slug, provider }) => [slug, provider]),
      tenants.map((slug) => [slug, page]),
    );
  }
});

stackTest("the example for Standard Webhooks is stored", async () => {
  const [snippet] = snippetsOf("providers/standard_webhooks.md").filter(({ language }) => language === "ts");
  const code = snippet!.code.replace("http://127.0.0.1:54321", stack.apiUrl);
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--allow-net", "--ext=ts", "--config", config, "-"],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(code));
  await input.close();
  const { stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout);
  assert.match(said, /^200 \{\s+success: true,\s+duplicate: false,/, new TextDecoder().decode(stderr));
});

for (const { provider, what, headers, signatureHeader, source } of SIGNATURE_VECTORS) {
  if (typeof source === "string") continue;
  stackTest(`the vector of ${provider}, ${what}, is what its openssl command prints`, async () => {
    const printed = (await bash(source.command)).trim();
    assert.ok(printed.length >= 44, printed);
    assert.ok(
      headers[signatureHeader]!.includes(printed),
      `${printed} is not in ${headers[signatureHeader]}`,
    );
  });
}
