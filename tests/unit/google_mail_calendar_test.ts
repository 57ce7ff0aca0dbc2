import assert from "node:assert/strict";
import { CalendarStore } from "../../simulators/google/calendar_store.ts";
import { calendarEvents } from "../../supabase/functions/_shared/providers/google_workspace/calendar.ts";
import { gmailMessages } from "../../supabase/functions/_shared/providers/google_workspace/gmail.ts";
import { calendarState, gmailState, type GoogleAccount } from "../support/google_account.ts";
import { assertExact, refused } from "../support/google_drive_edits.ts";
import { googleTest } from "../support/google_rig.ts";
import { seeded } from "../support/seeded.ts";

function editMail({ google: { gmail: { store } } }: GoogleAccount, random: () => number): void {
  const ids = [...store.messages.keys()];
  const id = ids[Math.floor(random() * ids.length)];
  const label = ["STARRED", "INBOX", "TRASH", "SPAM", "Label_7"][Math.floor(random() * 5)]!;
  const choice = random();
  if (id === undefined || choice < 0.3) store.receive(choice < 0.1 ? { labelIds: ["SENT"] } : {});
  else if (choice < 0.6) store.addLabel(id, label);
  else if (choice < 0.9) store.removeLabel(id, label);
  else store.delete(id);
}

for (const labels of [undefined, ["INBOX"], ["INBOX", "STARRED"]]) {
  googleTest(
    `GMAIL: ends exact whatever happens between any two pages, labels ${labels ?? "all"}`,
    async (account) => {
      const { gmail } = account.google;
      for (let made = 0; made < 250; made++) {
        gmail.store.receive(made % 3 === 0 ? { labelIds: ["INBOX", "STARRED"] } : {});
      }
      for (let seed = 1; seed <= 4; seed++) {
        const random = seeded(seed);
        const hub = account.hub(gmailMessages, {
          services: ["gmail"],
          ...labels && { gmail_label_ids: labels },
        });
        const edit = () => {
          for (let edits = 0; edits < 6; edits++) editMail(account, random);
        };
        gmail.beforePage = edit;
        await hub.run({ between: edit });
        for (let round = 1; round <= 4; round++) {
          await hub.run({ mode: round === 3 ? "full" : "incremental", between: edit });
          gmail.beforePage = () => {};
          await hub.run();
          gmail.beforePage = edit;
          assertExact(hub, gmailState(gmail, labels), `seed ${seed}, round ${round}`);
        }
        gmail.beforePage = () => {};
      }
    },
  );
}

googleTest(
  "GMAIL: a run goes on from every checkpoint, and asks for at most ten messages at once",
  async (account) => {
    const { gmail } = account.google;
    for (let made = 0; made < 320; made++) gmail.store.receive();
    const whole = await account.hub(gmailMessages).run();
    assert.ok(gmail.mostAtOnce > 1 && gmail.mostAtOnce <= 10, `${gmail.mostAtOnce} at once`);
    for (let stop = 1; stop < whole; stop++) {
      const hub = account.hub(gmailMessages);
      await hub.run({}, stop);
      gmail.store.delete([...gmail.store.messages.keys()][stop]!);
      await hub.run();
      assertExact(hub, gmailState(gmail), `stopped after ${stop} pages`);
    }
  },
);

googleTest(
  "GMAIL: a history that is forgotten, and page tokens that ended, read everything anew",
  async (account) => {
    const { gmail } = account.google;
    for (let made = 0; made < 230; made++) gmail.store.receive();
    const hub = account.hub(gmailMessages);
    await hub.run();
    gmail.store.delete([...gmail.store.messages.keys()][5]!);
    gmail.store.receive();
    gmail.store.forgetHistory();
    await hub.run();
    assertExact(hub, gmailState(gmail), "after the history was forgotten");
    await hub.run({ mode: "full", between: (page) => void (page === 1 && gmail.expirePageTokens()) });
    assertExact(hub, gmailState(gmail), "after page tokens ended");
    await refused(hub.run({ mode: "full", between: () => gmail.expirePageTokens() }), "malformed_answer");
  },
);

const SERVICES = { services: ["calendar"], calendar_ids: ["primary", "team@group.calendar.google.com"] };

googleTest("CALENDAR: ends exact whatever happens between any two pages of any calendar", async (account) => {
  const { calendar } = account.google;
  calendar.calendars.set(SERVICES.calendar_ids[1]!, new CalendarStore());
  const stores = [...calendar.calendars.values()];
  for (let made = 0; made < 2300; made++) {
    stores[made % 7 === 0 ? 1 : 0]!.create(made % 9 === 0 ? { start: "2026-11-22", end: "2026-11-23" } : {});
  }
  for (let seed = 1; seed <= 4; seed++) {
    const random = seeded(seed);
    const edit = () => {
      const store = stores[Math.floor(random() * 2)]!;
      const event = store.order[Math.floor(random() * store.order.length)]!;
      const choice = random();
      if (choice < 0.3) store.create({ recurrence: ["RRULE:FREQ=WEEKLY"] });
      else if (choice < 0.7) store.rename(event.id, `Renamed ${choice}`);
      else store.cancel(event.id);
    };
    const hub = account.hub(calendarEvents, SERVICES);
    for (let round = 1; round <= 4; round++) {
      calendar.beforePage = edit;
      await hub.run({ mode: round === 3 ? "full" : "incremental", between: edit });
      calendar.beforePage = () => {};
      await hub.run();
      assertExact(hub, calendarState(calendar, SERVICES.calendar_ids), `seed ${seed}, round ${round}`);
    }
  }
});

googleTest(
  "CALENDAR: a sync token that is gone reads everything anew; page tokens that never hold end the run",
  async (account) => {
    const { calendar } = account.google;
    for (let made = 0; made < 2500; made++) calendar.primary.create();
    const hub = account.hub(calendarEvents);
    await hub.run();
    calendar.primary.cancel(calendar.primary.order[3]!.id);
    calendar.expireTokens();
    await hub.run();
    assertExact(hub, calendarState(calendar, ["primary"]), "after the 410");
    await hub.run({ mode: "full", between: (page) => void (page === 2 && calendar.expireTokens()) });
    assertExact(hub, calendarState(calendar, ["primary"]), "after page tokens ended");
    await refused(hub.run({ mode: "full", between: () => calendar.expireTokens() }), "malformed_answer");
  },
);

googleTest(
  "CALENDAR: one event in two calendars is two records, and an identifier too long for the hub is hashed",
  async (account) => {
    const { calendar } = account.google;
    const team = SERVICES.calendar_ids[1]!;
    calendar.calendars.set(team, new CalendarStore());
    const own = calendar.primary.create({ summary: "Both" });
    const copy = calendar.calendars.get(team)!.create({ summary: "Both" });
    copy.id = own.id;
    const long = calendar.primary.create({ summary: "Long" });
    long.id = "l".repeat(900);
    const hub = account.hub(calendarEvents, SERVICES);
    await hub.run();
    const ids = [...hub.held.keys()];
    assert.deepEqual(ids.filter((id) => id.endsWith(`/${own.id}`)).length, 2);
    assert.deepEqual(ids.filter((id) => /^sha256:[0-9a-f]{64}$/.test(id)).length, 1);
  },
);

googleTest("CALENDAR: what changes while calendars are listed is in the same run", async (account) => {
  const { calendar } = account.google;
  for (let made = 0; made < 2500; made++) calendar.primary.create();
  const hub = account.hub(calendarEvents);
  const newest = calendar.primary.order.at(-1)!;
  const between = (page: number) => {
    if (page !== 1) return;
    calendar.primary.cancel(newest.id);
    calendar.primary.create({ summary: "Meanwhile" });
  };
  await hub.run({ between });
  assertExact(hub, calendarState(calendar, ["primary"]), "after one run");
});
