/**
 * Signed requests that our own code had no part in: published by the provider, or made with openssl by the command that
 * stands beside them (tests/snippets runs it again).
 *
 * @module
 */

/** A request that must verify at `nowMs`, and not once anything of it is changed. */
export interface SignatureVector {
  provider: string;
  what: string;
  secret: string;
  settings?: Record<string, unknown>;
  /** The instant of its timestamp. */
  nowMs: number;
  url?: string;
  headers: Record<string, string>;
  body: string;
  /** The header that is to be spoilt. */
  signatureHeader: string;
  timestampHeader?: string;
  /** Where it was published; or a command of bash that prints what stands in the header. */
  source: string | { command: string };
}

const SLACK_FORM = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&" +
  "channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&" +
  "text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F" +
  "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

export const SIGNATURE_VECTORS: SignatureVector[] = [
  {
    provider: "generic_hmac",
    what: "HMAC-SHA-256 in hexadecimal",
    secret: "It's a Secret to Everybody",
    nowMs: 0,
    headers: { "x-signature": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" },
    body: "Hello, World!",
    signatureHeader: "x-signature",
    source: "docs.github.com, Validating webhook deliveries",
  },
  {
    provider: "generic_hmac",
    what: "HMAC-SHA-512 in base64 over a timestamp and the body",
    secret: "generic-test-secret",
    settings: {
      header: "x-shop-signature",
      algorithm: "sha512",
      encoding: "base64",
      prefix: "v1=",
      timestamp: { header: "x-shop-time" },
    },
    nowMs: 1790000000_000,
    headers: {
      "x-shop-time": "1790000000",
      "x-shop-signature":
        "v1=fvaLM9BW/lw/wDIvKgAArqh1ypII11kfULg4S7hKPr6aCnNWHcVECGQxjPGOK67TrWXai3B/QCYnrfeuoXwuyA==",
    },
    body: '{"id":1}',
    signatureHeader: "x-shop-signature",
    timestampHeader: "x-shop-time",
    source: {
      command:
        `printf %s '1790000000.{"id":1}' | openssl dgst -sha512 -hmac 'generic-test-secret' -binary | base64 -w0`,
    },
  },
  {
    provider: "generic_hmac",
    what: "a secret in hexadecimal, milliseconds, and a text of the sender's own around both",
    secret: "00112233445566778899aabbccddeeff",
    settings: {
      secret_encoding: "hex",
      encoding: "hex",
      prefix: "",
      timestamp: { header: "x-sent-at", unit: "ms", signed: "v0:{timestamp}:{body}" },
    },
    nowMs: 1790000000_000,
    headers: {
      "x-sent-at": "1790000000000",
      "x-signature": "8398fe051544ad4040942a0df8741d0d71db59178d1fc3365c6a6ec1fd1ee07d",
    },
    body: '{"id":1}',
    signatureHeader: "x-signature",
    timestampHeader: "x-sent-at",
    source: {
      command: `printf %s 'v0:1790000000000:{"id":1}' |
        openssl dgst -sha256 -mac HMAC -macopt hexkey:00112233445566778899aabbccddeeff -r | cut -c1-64`,
    },
  },
  ...["webhook", "svix"].map((prefix): SignatureVector => ({
    provider: "standard_webhooks",
    what: `v1 under the names ${prefix}-*`,
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    nowMs: 1614265330_000,
    headers: {
      [`${prefix}-id`]: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      [`${prefix}-timestamp`]: "1614265330",
      [`${prefix}-signature`]: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    body: '{"test": 2432232314}',
    signatureHeader: `${prefix}-signature`,
    timestampHeader: `${prefix}-timestamp`,
    source: "github.com/standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts",
  })),
  {
    provider: "standard_webhooks",
    what: "v1a",
    secret: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    nowMs: 1614265330_000,
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature":
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    },
    body: '{"test": 2432232314}',
    signatureHeader: "webhook-signature",
    timestampHeader: "webhook-timestamp",
    source: "github.com/standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts",
  },
  ...[["1693657560000", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="], [
    "1700000300000",
    "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
  ]].map(([timestamp, signature]): SignatureVector => ({
    provider: "hubspot",
    what: `v3 of ${timestamp}`,
    secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    nowMs: Number(timestamp),
    url: "https://www.example.com/webhook_uri",
    headers: { "x-hubspot-request-timestamp": timestamp!, "x-hubspot-signature-v3": signature! },
    body: "{'example_field':'example_value'}",
    signatureHeader: "x-hubspot-signature-v3",
    timestampHeader: "x-hubspot-request-timestamp",
    source: "npm @hubspot/api-client 13.5.0, lib/src/utils/signature.js and its tests",
  })),
  {
    provider: "slack",
    what: "a slash command",
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    nowMs: 1531420618_000,
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    },
    body: SLACK_FORM,
    signatureHeader: "x-slack-signature",
    timestampHeader: "x-slack-request-timestamp",
    source: "api.slack.com, Verifying requests from Slack",
  },
  {
    provider: "slack",
    what: "the check of an address",
    secret: "slack-test-secret",
    nowMs: 1790000000_000,
    headers: {
      "x-slack-request-timestamp": "1790000000",
      "x-slack-signature": "v0=6077407e7463656a0593e531538b7a1a9841e8138574a3c188826c9eec8f0874",
    },
    body: '{"type":"url_verification","challenge":"abc"}',
    signatureHeader: "x-slack-signature",
    timestampHeader: "x-slack-request-timestamp",
    source: {
      command: `printf %s 'v0:1790000000:{"type":"url_verification","challenge":"abc"}' |
        openssl dgst -sha256 -hmac 'slack-test-secret' -r | cut -c1-64`,
    },
  },
  {
    provider: "stripe",
    what: "an event, while the secret is rolled",
    secret: "whsec_c3RyaXBlIHRlc3Qgc2VjcmV0",
    nowMs: 1790000000_000,
    headers: {
      "stripe-signature": `t=1790000000,v1=${"0".repeat(64)},` +
        "v1=2713c4bdd8c8716639dc22cb6fd39fdb7ab5b69e496c4e61b8f47a9b7e0db1b3,v0=abcd",
    },
    body: '{"id":"evt_1","object":"event","type":"invoice.paid"}',
    signatureHeader: "stripe-signature",
    source: {
      command: `printf %s '1790000000.{"id":"evt_1","object":"event","type":"invoice.paid"}' |
        openssl dgst -sha256 -hmac 'whsec_c3RyaXBlIHRlc3Qgc2VjcmV0' -r | cut -c1-64`,
    },
  },
  {
    provider: "github",
    what: "its example",
    secret: "It's a Secret to Everybody",
    nowMs: 0,
    headers: {
      "x-github-event": "push",
      "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    },
    body: "Hello, World!",
    signatureHeader: "x-hub-signature-256",
    source: "docs.github.com, Validating webhook deliveries",
  },
  {
    provider: "shopify",
    what: "an order",
    secret: "hush-shopify-test-secret",
    nowMs: 0,
    headers: { "x-shopify-hmac-sha256": "ZMqenxQvzV6srY+hBgr3FusGONpNjTtyhY/2109Usps=" },
    body: '{"id":820982911946154508,"email":"jon@example.com"}',
    signatureHeader: "x-shopify-hmac-sha256",
    source: {
      command: `printf %s '{"id":820982911946154508,"email":"jon@example.com"}' |
        openssl dgst -sha256 -hmac 'hush-shopify-test-secret' -binary | base64`,
    },
  },
  {
    provider: "sendgrid",
    what: "ECDSA",
    secret:
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvF" +
      "YPAZFceEu/1FwCM/QmGUhA==",
    nowMs: 1588788367_000,
    headers: {
      "x-twilio-email-event-webhook-timestamp": "1588788367",
      "x-twilio-email-event-webhook-signature":
        "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=",
    },
    body: '{"category":"example_payload","event":"test_event","message_id":"message_id"}',
    signatureHeader: "x-twilio-email-event-webhook-signature",
    timestampHeader: "x-twilio-email-event-webhook-timestamp",
    source: "github.com/sendgrid/sendgrid-nodejs, packages/eventwebhook/src/eventwebhook.spec.js",
  },
  {
    provider: "zenoti",
    what: "bytes in hexadecimal, joined by dashes",
    secret: "zenoti-test-secret",
    nowMs: 0,
    headers: {
      "zenoti-webhook-signature":
        "sha256 =0D-56-B2-4A-58-23-C8-9A-19-45-0B-BB-3F-0D-1D-6E-F2-10-44-A9-1D-20-45-" +
        "1D-5D-F7-83-19-33-EB-41-90",
    },
    body: '{"id":"1","event_type":"Guest.Created","data":{}}',
    signatureHeader: "zenoti-webhook-signature",
    source: {
      command: `printf %s '{"id":"1","event_type":"Guest.Created","data":{}}' |
        openssl dgst -sha256 -hmac 'zenoti-test-secret' -r | cut -c1-64 | tr a-f A-F | sed 's/../&-/g; s/-$//'`,
    },
  },
  {
    provider: "meta",
    what: "a page's news",
    secret: "meta-test-app-secret",
    nowMs: 0,
    headers: {
      "x-hub-signature-256": "sha256=f9a2e7a1e2fcb386a46cb49235629e3c939b2292b6abdd9f2d55fbfe9030cee5",
    },
    body: '{"object":"page","entry":[{"id":"0","time":1790000000,"changes":[{"field":"feed","value":{}}]}]}',
    signatureHeader: "x-hub-signature-256",
    source: {
      command:
        `printf %s '{"object":"page","entry":[{"id":"0","time":1790000000,"changes":[{"field":"feed","value":{}}]}]}' |
        openssl dgst -sha256 -hmac 'meta-test-app-secret' -r | cut -c1-64`,
    },
  },
];
