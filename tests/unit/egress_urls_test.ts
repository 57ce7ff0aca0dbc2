import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { egressFailure, egressRequest, PUBLIC_ADDRESS } from "../support/egress.ts";
import { hostileUrls } from "../support/hostile_urls.ts";
import { rawServer } from "../support/raw_server.ts";

Deno.test("EGRESS: no hostile URL reaches a listener inside, whatever its form", async () => {
  const server = rawServer(({ write }) => write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  const options = { ports: [443, server.port], resolver: () => Promise.resolve(["127.0.0.1"]) };
  const client = createEgressClient({ ...options, allowLocal: false });
  const local = createEgressClient({ ...options, allowLocal: true });
  try {
    const urls = hostileUrls(server.port);
    for (const { url, errorClass } of urls) {
      const sent = await egressFailure(client.sendRequest(egressRequest(url, { timeoutMs: 1_000 })));
      assert.equal(sent.errorClass, errorClass, `${JSON.stringify(url)}: ${sent.message}`);
      assert.equal((await egressFailure(client.checkUrl(url))).errorClass, errorClass, url);
      assert.doesNotMatch(sent.message, /127\.|169\.254|::1/, url);
    }
    assert.ok(urls.length >= 60, `only ${urls.length}`);
    assert.equal(server.connections, 0);
    // The listener counts: a client that may call loopback reaches it.
    await local.sendRequest(egressRequest(`http://127.0.0.1:${server.port}/`));
    assert.equal(server.connections, 1);
  } finally {
    client.close();
    local.close();
    await server.close();
  }
});

Deno.test("EGRESS: where loopback is allowed, only loopback becomes so", async () => {
  const resolver = (name: string) => Promise.resolve([name.startsWith("ten") ? "10.0.0.1" : PUBLIC_ADDRESS]);
  const client = createEgressClient({ ports: [443], allowLocal: true, resolver });
  for (
    const url of ["http://127.0.0.1:1/", "http://localhost/", "https://[::1]:8000/", "https://127.9.9.9/"]
  ) {
    await client.checkUrl(url);
  }
  await client.checkUrl("https://hooks.example.com/");
  const refused = {
    "http://10.0.0.1/": "address_refused",
    "https://169.254.169.254/": "address_refused",
    "https://ten.example.com/": "address_refused",
    "https://[fd00::1]/": "address_refused",
    "http://0.0.0.0/": "address_refused",
    // Plain http, or an unlisted port, on the internet stays refused too.
    [`http://${PUBLIC_ADDRESS}/`]: "address_refused",
    [`https://${PUBLIC_ADDRESS}:22/`]: "address_refused",
    "http://hooks.example.com/": "url_refused",
    "https://hooks.example.com:22/": "url_refused",
    "https://db.internal/": "url_refused",
  };
  for (const [url, errorClass] of Object.entries(refused)) {
    assert.equal((await egressFailure(client.checkUrl(url))).errorClass, errorClass, url);
  }
});

Deno.test("EGRESS: public URLs pass the check, with their names and addresses of both families", async () => {
  const resolver = () => Promise.resolve(["2606:2800:220:1:248:1893:25c8:1946", PUBLIC_ADDRESS]);
  const client = createEgressClient({ ports: [443, 8443], allowLocal: false, resolver });
  for (
    const url of [
      "https://hooks.example.com",
      "https://hooks.example.com.:8443/a?b=c#d",
      "https://Hooks.Example.COM/ü",
      "https://bücher.example.com/",
      "https://a_b.example.com/",
      "https://8.8.8.8/",
      "https://[2606:4700:4700::1111]/",
      "https://hooks.example.com/user@example.com",
    ]
  ) await client.checkUrl(url);
});

Deno.test("EGRESS: a name without addresses and a failing DNS are dns_failed", async () => {
  for (
    const resolver of [() => Promise.resolve([]), () => Promise.reject(new Error("SERVFAIL at 10.0.0.2"))]
  ) {
    const client = createEgressClient({ ports: [443], allowLocal: false, resolver });
    const failure = await egressFailure(client.checkUrl("https://hooks.example.com/"));
    assert.equal(failure.errorClass, "dns_failed");
    assert.doesNotMatch(failure.message, /10\.0/);
  }
});
