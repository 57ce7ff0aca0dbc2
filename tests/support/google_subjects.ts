import { tooManyRequests } from "../../simulators/google/answers.ts";
import type { CalendarStore } from "../../simulators/google/calendar_store.ts";
import { FOLDER } from "../../simulators/google/drive_store.ts";
import { type GoogleSimulator, startGoogle } from "../../simulators/google/google.ts";
import { googleOAuthHandler, googleOAuthServer } from "../../simulators/google/oauth.ts";
import { GOOGLE_SCOPES } from "../../supabase/functions/_shared/providers/google_workspace/settings.ts";
import type { ContractSubject, RunningSubject } from "./contract_subject.ts";
import { calendarState, driveState, gmailState, grantOf } from "./google_account.ts";
import { stack } from "./stack.ts";

/** What a service is to the contract suite, beyond what all of Google's share. */
type Part = Pick<RunningSubject, "create" | "edit" | "remove" | "state" | "pageSize">;

const common = { type: "google_workspace", deletions: "always" as const };

/** The streams of Google Workspace. */
export const googleSubjects: ContractSubject[] = [
  {
    ...common,
    name: "google_workspace drive_files",
    ...{ stream: "drive_files", table: "google_drive_files", entityType: "drive_file" },
    functionName: "google-drive-sync",
    start: () => running({ services: ["drive"] }, drivePart),
  },
  {
    ...common,
    name: "google_workspace drive_files of a folder",
    ...{ stream: "drive_files", table: "google_drive_files", entityType: "drive_file" },
    functionName: "google-drive-sync",
    start: () => {
      let root = "";
      return running(
        (google) => ({ services: ["drive"], folder_id: root = google.drive.store.createFolder("Chosen").id }),
        (google) => drivePart(google, root),
      );
    },
  },
  {
    ...common,
    name: "google_workspace gmail_messages",
    ...{ stream: "gmail_messages", table: "gmail_messages", entityType: "gmail_message" },
    requestsPerRecord: 1,
    functionName: "gmail-sync",
    start: () => running({ services: ["gmail"] }, gmailPart),
  },
  {
    ...common,
    name: "google_workspace calendar_events",
    ...{ stream: "calendar_events", table: "google_calendar_events", entityType: "calendar_event" },
    functionName: "google-calendar-sync",
    start: () => running({ services: ["calendar"] }, calendarPart),
  },
];

type Config = Record<string, unknown>;

function running(
  config: Config | ((google: GoogleSimulator) => Config),
  partOf: (google: GoogleSimulator) => Part,
): Promise<RunningSubject> {
  const server = googleOAuthServer({
    clientId: "google-client.test",
    clientSecret: "google-client-secret-of-tests",
    redirectUris: [],
  });
  const google = startGoogle({ port: stack.googlePort, tokens: server, others: googleOAuthHandler(server) });
  const settings = typeof config === "function" ? config(google) : config;
  const granted = server.grant(server.consenting!, Object.values(GOOGLE_SCOPES));
  return Promise.resolve({
    ...partOf(google),
    config: settings,
    secrets: { ...grantOf(granted.accessToken), refresh_token: granted.refreshToken },
    badSecrets: { ...grantOf("ya29.nobody-gave-this-out"), refresh_token: "1//0g-nobody-gave-this-out" },
    faults: google.faults,
    rateLimited: tooManyRequests,
    expireToken: () => server.expireAll(),
    revoke: () => server.revokeAccount(granted.account.id),
    stop: () => google.stop(),
  });
}

function pick<Item>(items: Iterable<Item>, random: () => number): Item {
  const all = [...items];
  return all[Math.floor(random() * all.length)]!;
}

/** Files lie in folders, some of them in folders of folders. */
function drivePart({ drive }: GoogleSimulator, root: string = drive.store.rootId): Part {
  const { store } = drive;
  const scope = root === store.rootId ? {} : { folder_id: root };
  const shown = () => [...driveState(drive, scope).keys()].map((id) => store.items.get(id)!);
  const folders = [root];
  const file = (random: () => number) => pick(shown().filter(({ mimeType }) => mimeType !== FOLDER), random);
  return {
    pageSize: 1000,
    create: (count) => {
      for (let made = 0; made < count; made++) {
        const parent = folders[store.order.length % folders.length]!;
        if (made % 200 === 199) folders.push(store.createFolder(`Folder ${made}`, parent).id);
        else {store.createFile({
            parent,
            ...made % 3 === 0 && { sizeBytes: made * 1000, mimeType: "text/plain" },
          });}
      }
    },
    edit: (random) => {
      const { id } = file(random);
      if (random() < 0.5) store.rename(id, `Renamed ${store.order.length} ${random()}`);
      else store.move(id, pick(folders, random));
    },
    remove: (random) => {
      const { id } = file(random);
      const how = random();
      if (how < 0.4) store.trash(id);
      else if (how < 0.6) store.share(id, false);
      else if (how < 0.8 || root === store.rootId) store.delete(id);
      else store.move(id, store.rootId);
    },
    state: () => driveState(drive, scope),
  };
}

function gmailPart({ gmail }: GoogleSimulator): Part {
  const { store } = gmail;
  const shown = (random: () => number) => pick(gmailState(gmail).keys(), random);
  return {
    pageSize: 100,
    create: (count) => {
      for (let made = 0; made < count; made++) store.receive();
    },
    edit: (random) => {
      const id = shown(random);
      const label = pick(["STARRED", "UNREAD", "Label_7"], random);
      if (store.messages.get(id)!.labelIds.includes(label)) store.removeLabel(id, label);
      else store.addLabel(id, label);
    },
    remove: (random) => random() < 0.5 ? store.delete(shown(random)) : store.addLabel(shown(random), "TRASH"),
    state: () => gmailState(gmail),
  };
}

function calendarPart({ calendar }: GoogleSimulator): Part {
  const { primary } = calendar;
  const shown = (store: CalendarStore) =>
    [...store.events.values()].filter(({ isCancelled }) => !isCancelled);
  return {
    pageSize: 1000,
    create: (count) => {
      for (let made = 0; made < count; made++) {
        const isDay = made % 5 === 0;
        primary.create(isDay ? { start: "2026-11-22", end: "2026-11-24", location: "Riyadh" } : {});
      }
    },
    edit: (random) => primary.rename(pick(shown(primary), random).id, `Renamed ${random()}`),
    remove: (random) => primary.cancel(pick(shown(primary), random).id),
    state: () => calendarState(calendar, ["primary"]),
  };
}
