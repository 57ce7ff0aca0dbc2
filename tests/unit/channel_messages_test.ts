import assert from "node:assert/strict";
import fc from "fast-check";
import { controlsIn, messageProblem } from "../../simulators/slack/blocks.ts";
import type { OutgoingItem } from "../../supabase/functions/_shared/delivery/channels/channel.ts";
import { EmailChannel } from "../../supabase/functions/_shared/delivery/channels/email.ts";
import { emailDigest } from "../../supabase/functions/_shared/delivery/channels/email_digest.ts";
import { eventCard } from "../../supabase/functions/_shared/delivery/channels/event_card.ts";
import { SlackChannel } from "../../supabase/functions/_shared/delivery/channels/slack.ts";
import { slackMessage } from "../../supabase/functions/_shared/delivery/channels/slack_blocks.ts";

const item = (data: Record<string, unknown>, type = "contact.created"): OutgoingItem => ({
  id: "msg_1",
  type,
  timestamp: "2026-11-21T08:33:17.770Z",
  data,
});

const HOSTILE = [
  "<!channel>",
  "<!here|x>",
  "<@U123>",
  "<https://evil.example|bank.example>",
  "&lt;!channel&gt;",
  "]]><script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "\u202egnp.exe\u0000\r\nBcc: all@x.example",
  "\ud83d",
  "a".repeat(299) + "😀😀",
  "&".repeat(5000),
];

const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.string({ maxLength: 20 }).map((text) => "<&>".repeat(200) + text),
);
const hostileData = fc.dictionary(
  hostileText,
  fc.oneof(hostileText, fc.integer(), fc.constant(null), fc.array(hostileText), fc.jsonValue()),
  { maxKeys: 30 },
).map((data) => data as Record<string, unknown>);

Deno.test("CHANNELS: whatever an event holds, Slack takes the message, and it mentions and links nothing", () => {
  fc.assert(
    fc.property(fc.array(hostileData, { minLength: 1, maxLength: 8 }), fc.boolean(), (all, isBatch) => {
      const message = slackMessage(all.map((data) => item(data)), isBatch);
      assert.equal(messageProblem(message), null);
      assert.deepEqual(controlsIn(message), []);
      const text = JSON.stringify(message);
      assert.equal(/\\u0000|\\ud83d(?!\\ude)/.test(text), false, "PostgreSQL would not keep it");
      assert.ok(text.length < 60_000, `${text.length} characters, and Slack echoes them`);
    }),
  );
});

Deno.test("CHANNELS: a batch of a hundred is one message of at most 50 blocks that says how many are left out", () => {
  const long = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`k${n}`, "<".repeat(400)]));
  for (const data of [{ n: 1 }, long]) {
    const items = Array.from({ length: 100 }, () => item(data));
    const message = slackMessage(items, true);
    assert.equal(messageProblem(message), null);
    assert.ok(
      JSON.stringify(message).length < 40_000,
      "Slack echoes it, and the answer is read up to 64 KiB",
    );
    const shown = message.blocks.filter((block) => block.type === "section").length;
    assert.ok(shown >= 1 && shown <= 48);
    assert.match(JSON.stringify(message.blocks.at(-1)), new RegExp(`and ${100 - shown} more`));
  }
});

Deno.test("CHANNELS: guardian's types have a title, and first what matters first", () => {
  const card = eventCard(
    item(
      {
        dimension_scores: { core: 80 },
        computed_at: "2026-11-21T08:33:17.770Z",
        band: "advanced",
        overall_score: 91,
      },
      "readiness_updated",
    ),
    10,
  );
  assert.equal(card.title, "Readiness updated");
  assert.equal(card.at, "2026-11-21 08:33 UTC");
  assert.deepEqual(card.facts, [
    { label: "Overall score", value: "91" },
    { label: "Band", value: "advanced" },
    { label: "Dimension scores: core", value: "80" },
    { label: "Computed at", value: "2026-11-21 08:33 UTC" },
  ]);
});

Deno.test("CHANNELS: any event shows its entity and plain values; what is deep or long is counted or cut", () => {
  const card = eventCard({
    ...item({
      a: { b: { c: { d: 1 } } },
      list: [{}, {}],
      tags: ["x", "y"],
      none: null,
      text: "z".repeat(400),
    }),
    entity: { type: "contact", id: "7" },
  }, 4);
  assert.deepEqual(card.facts, [
    { label: "Entity", value: "contact 7" },
    { label: "A: b: c", value: "1 fields" },
    { label: "List", value: "2 entries" },
    { label: "Tags", value: "x, y" },
  ]);
  assert.equal(card.omitted, 1);
});

Deno.test("CHANNELS: whatever an event holds, a mail's HTML has our tags alone and its subject one line", () => {
  const ours =
    /<\/?(?:html|body|h2|table|tr|th|td|!doctype html)(?: (?:style|align|valign|cellpadding)="[a-z:4-]+")*>/g;
  fc.assert(
    fc.property(fc.array(hostileData, { minLength: 1, maxLength: 4 }), hostileText, (all, subject) => {
      const mail = emailDigest(all.map((data) => item(data)), subject);
      assert.equal(
        /[<>]/.test(mail.html.replaceAll(/ align="left" valign="top"/g, "").replaceAll(ours, "")),
        false,
      );
      assert.equal(/\p{Cc}/u.test(mail.subject), false);
      assert.ok(mail.subject.length <= 200);
      assert.equal(mail.html.isWellFormed() && mail.text.isWellFormed() && mail.subject.isWellFormed(), true);
    }),
  );
});

Deno.test("CHANNELS: a body begins as bodyStart says, and with another address another way", () => {
  const made = (channel: SlackChannel | EmailChannel) => channel.bodyOf([item({ n: 1 })], false, "msg_1");
  const slack = (channel: string, token: string | null) =>
    new SlackChannel({ url: "https://slack.example", token, channel });
  const email = (to: string, from = "a@b.example") =>
    new EmailChannel({ url: "https://mail.example", apiKey: "k", from, to: [to], subject: null });
  const channels = [
    slack("C1", "t"),
    slack("C12", "t"),
    slack("C1", null),
    email("x@y.example"),
    email("x@z.example"),
    email("x@y.example", "c@d.example"),
  ];
  for (const one of channels) {
    for (const other of channels) {
      assert.equal(made(one).startsWith(other.bodyStart), one === other, `${made(one)} ${other.bodyStart}`);
    }
    assert.equal(made(one).startsWith('{"type":'), false, "a webhook's");
  }
});
