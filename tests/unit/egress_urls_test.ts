import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { egressFailure, egressRequest, PUBLIC_ADDRESS } from "../support/egress.ts";
import { rawServer } from "../support/raw_server.ts";

/** Every one of them leads, or would lead if read carelessly, to a listener inside. {P} is its port. */
const HOSTILE: Record<"url_refused" | "address_refused", string[]> = {
  address_refused: [
    "https://127.0.0.1:{P}/",
    "https://127.1:{P}/",
    "https://127.0.1:{P}/",
    "https://127.127.127.127:{P}/",
    "https://2130706433:{P}/",
    "https://017700000001:{P}/",
    "https://0x7f000001:{P}/",
    "https://0x7f.1:{P}/",
    "https://0x7f.0x0.0x0.0x1:{P}/",
    "https://0177.0.0.1:{P}/",
    "https://127.0.0.1.:{P}/",
    "https://①②⑦.⓪.⓪.①:{P}/",
    "https://127。0。0。1:{P}/",
    "https://%31%32%37.0.0.1:{P}/",
    "https://127.0.0.1:{P}/",
    "https://0.0.0.0:{P}/",
    "https://0:{P}/",
    "https://0.1.2.3:{P}/",
    "https://10.0.0.1:{P}/",
    "https://172.16.0.1:{P}/",
    "https://172.31.255.255:{P}/",
    "https://192.168.1.1:{P}/",
    "https://100.64.0.1:{P}/",
    "https://100.100.100.200:{P}/latest/meta-data/",
    "https://169.254.169.254:{P}/latest/meta-data/",
    "https://0xa9fea9fe:{P}/",
    "https://2852039166:{P}/",
    "https://168.63.129.16:{P}/metadata/instance",
    "https://192.0.0.192:{P}/opc/v1/",
    "https://192.0.2.1:{P}/",
    "https://192.88.99.1:{P}/",
    "https://198.18.0.1:{P}/",
    "https://198.51.100.1:{P}/",
    "https://203.0.113.1:{P}/",
    "https://224.0.0.1:{P}/",
    "https://239.255.255.250:{P}/",
    "https://240.0.0.1:{P}/",
    "https://255.255.255.255:{P}/",
    "https://[::1]:{P}/",
    "https://[::]:{P}/",
    "https://[0:0:0:0:0:0:0:1]:{P}/",
    "https://[::ffff:127.0.0.1]:{P}/",
    "https://[::ffff:7f00:1]:{P}/",
    "https://[::ffff:0:127.0.0.1]:{P}/",
    "https://[::127.0.0.1]:{P}/",
    "https://[64:ff9b::127.0.0.1]:{P}/",
    "https://[64:ff9b::a9fe:a9fe]:{P}/",
    "https://[64:ff9b:1::7f00:1]:{P}/",
    "https://[2002:7f00:1::]:{P}/",
    "https://[2002:a9fe:a9fe::1]:{P}/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]:{P}/",
    "https://[2001:db8::1]:{P}/",
    "https://[3fff::1]:{P}/",
    "https://[2001:2::1]:{P}/",
    "https://[2001:10::1]:{P}/",
    "https://[2001:20::1]:{P}/",
    "https://[5f00::1]:{P}/",
    "https://[100::1]:{P}/",
    "https://[fc00::1]:{P}/",
    "https://[fd00:ec2::254]:{P}/",
    "https://[fe80::1]:{P}/",
    "https://[fec0::1]:{P}/",
    "https://[ff02::1]:{P}/",
    "https://[2606:4700::5efe:7f00:1]:{P}/",
    "https://[4000::1]:{P}/",
    "https://inner.example.com:{P}/",
    "https://inner.example.com.:{P}/",
    "https://xn--bcher-kva.example.com:{P}/",
  ],
  url_refused: [
    "http://127.0.0.1:{P}/",
    "http://inner.example.com:{P}/",
    "https://localhost:{P}/",
    "https://localhost.:{P}/",
    "https://LOCALHOST:{P}/",
    "https://ⓛocalhost:{P}/",
    "https://api.localhost:{P}/",
    "https://printer.local:{P}/",
    "https://metadata.google.internal:{P}/",
    "https://metadata.google.internal.:{P}/",
    "https://metadata:{P}/",
    "https://kong:{P}/",
    "https://db.corp:{P}/",
    "https://router.lan:{P}/",
    "https://nas.home.arpa:{P}/",
    "https://1.0.0.127.in-addr.arpa:{P}/",
    "https://a..example.com:{P}/",
    "https://.example.com:{P}/",
    "https://example.com..:{P}/",
    "https://-.example.com:{P}/",
    "https://ex*mple.com:{P}/",
    "https://user@127.0.0.1:{P}/",
    "https://user:secret@hooks.example.com:{P}/",
    "https://hooks.example.com@127.0.0.1:{P}/",
    "https://@127.0.0.1:{P}/",
    "https://hooks.example.com:443@127.0.0.1:{P}/",
    "https://127.0.0.1:{P}\\@hooks.example.com/",
    "https:\\\\127.0.0.1:{P}/",
    "https://127.0.0.1:{P}/\r\nx: y",
    "https://127.0.0.1:{P}/ HTTP/1.1",
    " https://127.0.0.1:{P}/",
    "https://127.0.0\t.1:{P}/",
    "https://127.0.0.1:{P}/\0",
    "https://127.0.0.1:22/",
    "https://127.0.0.1:80/",
    "https://hooks.example.com:5432/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:65536/",
    "https://256.256.256.256:{P}/",
    "https://[::1%25lo]:{P}/",
    "https://[::1:{P}/",
    "ftp://127.0.0.1:{P}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{P}/_x",
    "ws://127.0.0.1:{P}/",
    "wss://127.0.0.1:{P}/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "blob:https://127.0.0.1:{P}/1",
    "unix:///var/run/docker.sock",
    "//127.0.0.1:{P}/",
    "127.0.0.1:{P}",
    "https://",
    "https:///",
    "",
    "hooks.example.com",
    `https://hooks.example.com/${"a".repeat(2048)}`,
    `https://${"a".repeat(64)}.example.com:{P}/`,
  ],
};

Deno.test("EGRESS: no hostile URL reaches a listener inside, whatever its form", async () => {
  const server = rawServer(({ write }) => write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  const options = { ports: [443, server.port], resolver: () => Promise.resolve(["127.0.0.1"]) };
  const client = createEgressClient({ ...options, allowLocal: false });
  const local = createEgressClient({ ...options, allowLocal: true });
  try {
    let tried = 0;
    for (const [errorClass, urls] of Object.entries(HOSTILE)) {
      for (const template of urls) {
        const url = template.replaceAll("{P}", String(server.port));
        const sent = await egressFailure(client.sendRequest(egressRequest(url, { timeoutMs: 1_000 })));
        assert.equal(sent.errorClass, errorClass, `${JSON.stringify(url)}: ${sent.message}`);
        assert.equal((await egressFailure(client.checkUrl(url))).errorClass, errorClass, url);
        assert.doesNotMatch(sent.message, /127\.|169\.254|::1/, url);
        tried++;
      }
    }
    assert.ok(tried >= 60, `only ${tried}`);
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
