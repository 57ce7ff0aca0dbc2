import assert from "node:assert/strict";
import { sql, stack, stackTest } from "../support/stack.ts";
import { snippetsOf } from "./extract.ts";

/** A page's commands as somebody types them, but at the stack of this run and at free ports. */
function commandsOf(page: string, ports: Map<string, number>): string {
  const code = snippetsOf(`connectors/${page}.md`).filter(({ language }) => language === "sh")
    .map((snippet) => snippet.code).join("\n");
  return code.replace("http://127.0.0.1:54321", stack.apiUrl)
    .replace(/^KEY=.*$/m, `KEY=${stack.publishableKey}`)
    .replaceAll(/\b837\d\b/g, (port) => String(ports.get(port) ?? portFor(port, ports)));
}

function portFor(port: string, ports: Map<string, number>): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  ports.set(port, listener.addr.port);
  listener.close();
  return ports.get(port)!;
}

/** What a page says that its commands print, without its own line breaks. */
function printedBy(page: string): string[] {
  return snippetsOf(`connectors/${page}.md`).filter(({ language }) => language === "text")
    .flatMap(({ code }) => code.split("\n")).map((line) => line.trim()).filter(Boolean);
}

stackTest("the worked examples of connectors' pages print what the pages say", async () => {
  const ports = new Map<string, number>();
  const folder = await Deno.makeTempDir({ prefix: "interlock-pages-" });
  const pages = ["api", "custom", "webhook"];
  // A server listens a moment after it was started.
  const script = pages.map((page) => commandsOf(page, ports)).join("\n").replaceAll(
    "SERVER=$!",
    "SERVER=$!; sleep 1",
  );
  try {
    const { success, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", script],
      env: { TMPDIR: folder },
    }).output();
    const said = new TextDecoder().decode(stdout);
    assert.ok(success, said + new TextDecoder().decode(stderr));
    const squeezed = said.replaceAll(/\s+/g, "");
    for (const line of pages.flatMap(printedBy)) {
      const expected = line.replaceAll(/\s+/g, "").replace(/,\.\.\.\]$/, "");
      assert.ok(squeezed.includes(expected), `${line} is not in\n${said}`);
    }
    const events = await sql`select event_type, count(*)::int from public.integration_events_outbox
      where entity_type in ('crm_person', 'sales_deal') group by event_type order by event_type`;
    assert.deepEqual(events.map(({ event_type, count }) => [event_type, count]), [
      ["crm_person.created", 2],
      ["crm_person.deleted", 1],
      ["crm_person.updated", 1],
      ["sales_deal.created", 3],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
