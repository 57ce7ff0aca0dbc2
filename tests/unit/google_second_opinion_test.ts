import assert from "node:assert/strict";
import { createServer } from "@emulators/core";
import { googlePlugin, seedFromConfig } from "@emulators/google";
import { calendar as officialCalendar } from "@googleapis/calendar";
import { drive as officialDrive, type drive_v3 } from "@googleapis/drive";
import { gmail as officialGmail } from "@googleapis/gmail";
import { freePort } from "../../local/free_port.ts";
import { calendarEvents } from "../../supabase/functions/_shared/providers/google_workspace/calendar.ts";
import { driveFiles } from "../../supabase/functions/_shared/providers/google_workspace/drive.ts";
import { gmailMessages } from "../../supabase/functions/_shared/providers/google_workspace/gmail.ts";
import {
  type GoogleConfig,
  googleConfig,
  type GoogleGrant,
} from "../../supabase/functions/_shared/providers/google_workspace/settings.ts";
import type { Source } from "../../supabase/functions/_shared/providers/source.ts";
import { calendarState, driveState, gmailState, grantOf, withGoogle } from "../support/google_account.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { connectionBy, SourceHub } from "../support/source_hub.ts";

const port = freePort();
withHubEnvironment({
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${port}`,
});

const options = { sanitizeResources: false, sanitizeOps: false };

/** Google's own clients, aimed at a server of ours. */
function officialClients(url: string, token: string) {
  const common = { rootUrl: `${url}/`, headers: { authorization: `Bearer ${token}` }, retry: false };
  return {
    drive: officialDrive({ version: "v3", ...common }),
    gmail: officialGmail({ version: "v1", ...common }),
    calendar: officialCalendar({ version: "v3", ...common }),
  };
}

Deno.test({
  ...options,
  name: "GOOGLE: Google's own clients read the same from the simulator as the hub does",
  fn: () =>
    withGoogle(port, async ({ google, tokens }) => {
      const clients = officialClients(google.url, tokens.issue());
      for (let made = 0; made < 1500; made++) google.drive.store.createFile({ sizeBytes: made });
      for (let made = 0; made < 700; made++) google.gmail.store.receive();
      for (let made = 0; made < 300; made++) google.calendar.primary.create();
      const started = await clients.drive.changes.getStartPageToken({ supportsAllDrives: true });
      const names = new Map<string, unknown>();
      for (let pageToken: string | undefined = "";;) {
        const { data }: { data: drive_v3.Schema$FileList } = await clients.drive.files.list({
          pageSize: 1000,
          ...pageToken && { pageToken },
        });
        for (const file of data.files!) names.set(file.id!, file.name);
        if (!(pageToken = data.nextPageToken ?? undefined)) break;
      }
      const wanted = [...driveState(google.drive)].map(([id, { name }]) => [id, name]);
      assert.deepEqual([...names].sort(), wanted.sort());
      const gone = [...names.keys()][3]!;
      google.drive.store.delete(gone);
      const changes = await clients.drive.changes.list({ pageToken: started.data.startPageToken! });
      assert.deepEqual(changes.data.changes!.map(({ fileId, removed }) => [fileId, removed]), [[gone, true]]);
      const messages = await clients.gmail.users.messages.list({ userId: "me", maxResults: 500 });
      assert.equal(messages.data.messages!.length, 500);
      const { id } = messages.data.messages![0]!;
      const message = await clients.gmail.users.messages.get({ userId: "me", id: id!, format: "metadata" });
      assert.equal(message.data.snippet, gmailState(google.gmail).get(id!)!.snippet);
      const events = await clients.calendar.events.list({ calendarId: "primary", maxResults: 2500 });
      assert.equal(events.data.items!.length, calendarState(google.calendar, ["primary"]).size);
      assert.equal(typeof events.data.nextSyncToken, "string");
    }),
});

Deno.test({
  ...options,
  name: "GOOGLE: the hub's requests are those that Google's own clients make",
  fn: () =>
    withGoogle(port, async ({ google, tokens, hub }) => {
      const { drive, gmail, calendar } = officialClients(google.url, tokens.issue());
      google.drive.store.createFile();
      google.gmail.store.receive();
      google.calendar.primary.create();
      await hub(driveFiles).run();
      await hub(gmailMessages, { services: ["gmail"] }).run();
      await hub(calendarEvents, { services: ["calendar"] }).run();
      const ours = google.requests.splice(0).map((text) => new URL(text, google.url));
      for (const { pathname, searchParams } of ours) {
        const [, calendarId] = /calendars\/([^/]+)/.exec(pathname) ?? [];
        const [, id] = /messages\/([^/]+)/.exec(pathname) ?? [];
        const metadataHeaders = searchParams.getAll("metadataHeaders");
        const given = {
          ...Object.fromEntries(searchParams),
          ...metadataHeaders.length > 0 && { metadataHeaders },
          ...pathname.startsWith("/gmail") && { userId: "me" },
          ...calendarId && { calendarId },
          ...id && { id },
        };
        const calls: [RegExp, (parameters: never) => Promise<unknown>][] = [
          [/startPageToken$/, (asked) => drive.changes.getStartPageToken(asked)],
          [/changes$/, (asked) => drive.changes.list(asked)],
          [/files$/, (asked) => drive.files.list(asked)],
          [/profile$/, (asked) => gmail.users.getProfile(asked)],
          [/messages$/, (asked) => gmail.users.messages.list(asked)],
          [/messages\/./, (asked) => gmail.users.messages.get(asked)],
          [/history$/, (asked) => gmail.users.history.list(asked)],
          [/events$/, (asked) => calendar.events.list(asked)],
        ];
        const [, call] = calls.find(([path]) => path.test(pathname))!;
        // deno-lint-ignore house/double-cast -- the parameters are those of the method that the path names
        await call(given as never);
        const theirs = new URL(google.requests.pop()!, google.url);
        assert.equal(theirs.pathname, pathname);
        assert.deepEqual([...theirs.searchParams].sort(), [...searchParams].sort());
      }
      assert.equal(ours.length, 9);
    }),
});

const ANN = "ann@example.com";

/**
 * The emulators of others, as a second opinion on what Gmail and Calendar answer. They have no users.getProfile and no sync
 * tokens, and never forget a history: the profile is put before them here, made of their own history, and a sync token is
 * added to their last page of events. Their Drive has no changes, so it is not asked.
 */
async function withEmulators(
  test: (
    hub: (source: Source<GoogleConfig, GoogleGrant>) => SourceHub<GoogleConfig, GoogleGrant>,
    post: (path: string, body?: object) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const token = "ya29.emulated";
  const { app, store } = createServer(googlePlugin, {
    tokens: { [token]: { login: ANN, id: 1, scopes: [] } },
  });
  seedFromConfig(store, "", {
    users: [{ email: ANN, name: "Ann" }],
    messages: Array.from({ length: 130 }, (_, number) => ({
      ...{ id: `m${number}`, user_email: ANN, from: "Ben <ben@example.com>", to: ANN, body_text: "Hello" },
      ...{ subject: `Message ${number}`, label_ids: ["INBOX", "UNREAD"] },
    })),
    calendars: [{ id: "primary", user_email: ANN, summary: ANN, primary: true, time_zone: "UTC" }],
    calendar_events: [
      ...[{
        id: "timed",
        start_date_time: "2026-11-22T09:00:00.000Z",
        end_date_time: "2026-11-22T09:30:00.000Z",
      }],
      ...[{ id: "whole", start_date: "2026-11-22", end_date: "2026-11-23" }],
    ].map((event) => ({ ...event, user_email: ANN, calendar_id: "primary", summary: `Event ${event.id}` })),
  });
  const headers = { authorization: `Bearer ${token}` };
  const ask = async (path: string) => await (await app.request(path, { headers })).json();
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname.endsWith("/profile")) {
      const { historyId } = await ask("/gmail/v1/users/me/history?startHistoryId=0");
      return Response.json({ emailAddress: ANN, messagesTotal: 130, historyId });
    }
    if (!pathname.endsWith("/events")) {
      return await app.request(pathname + search, { headers: request.headers });
    }
    if (searchParams.has("syncToken")) return Response.json({ items: [], nextSyncToken: "emulated" });
    return Response.json({ ...await ask(pathname + search), nextSyncToken: "emulated" });
  });
  try {
    const config = googleConfig().parse({ services: ["gmail", "calendar"] });
    await test(
      (source) => new SourceHub(source, connectionBy(config, () => grantOf(token))),
      async (path, body = {}) => {
        const init = { method: "POST", headers: { ...headers, "content-type": "application/json" } };
        const answer = await app.request(path, { ...init, body: JSON.stringify(body) });
        assert.equal(answer.status, 200, await answer.text());
      },
    );
  } finally {
    await server.shutdown();
  }
}

Deno.test({
  ...options,
  name: "GOOGLE: Gmail as others emulate it is read, followed and re-read",
  fn: () =>
    withEmulators(async (hub, post) => {
      const reader = hub(gmailMessages);
      await reader.run();
      assert.equal(reader.held.size, 130);
      const held = reader.held.get("m7")!;
      const { subject, sender, recipients, label_ids } = held;
      assert.deepEqual({ subject, sender, recipients, label_ids }, {
        ...{ subject: "Message 7", sender: "Ben <ben@example.com>", recipients: ANN },
        label_ids: ["INBOX", "UNREAD"],
      });
      await post("/gmail/v1/users/me/messages/m7/modify", {
        addLabelIds: ["STARRED"],
        removeLabelIds: ["UNREAD"],
      });
      await post("/gmail/v1/users/me/messages/m8/trash");
      await reader.run();
      assert.deepEqual(reader.held.get("m7")!.label_ids, ["INBOX", "STARRED"]);
      assert.deepEqual([reader.held.size, reader.held.has("m8")], [129, false]);
      await post("/gmail/v1/users/me/messages/m8/untrash");
      await reader.run();
      assert.equal(reader.held.size, 130);
      await reader.run({ mode: "full" });
      assert.equal(reader.held.size, 130);
    }),
});

Deno.test({
  ...options,
  name: "GOOGLE: Calendar as others emulate it is read",
  fn: () =>
    withEmulators(async (hub) => {
      const reader = hub(calendarEvents);
      await reader.run();
      assert.deepEqual([...reader.held.keys()].sort(), ["primary/timed", "primary/whole"]);
      const [timed, whole] = [reader.held.get("primary/timed")!, reader.held.get("primary/whole")!];
      assert.equal(new Date(String(timed.starts_at)).toISOString(), "2026-11-22T09:00:00.000Z");
      assert.deepEqual([timed.is_all_day, timed.start_date, timed.summary], [false, null, "Event timed"]);
      assert.deepEqual([whole.is_all_day, whole.start_date, whole.end_date], [
        true,
        "2026-11-22",
        "2026-11-23",
      ]);
    }),
});
