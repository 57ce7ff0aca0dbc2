import assert from "node:assert/strict";
import { freePort } from "../../local/free_port.ts";
import { type DriveItem, FOLDER } from "../../simulators/google/drive_store.ts";
import { driveFiles } from "../../supabase/functions/_shared/providers/google_workspace/drive.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import { driveState, type GoogleAccount, withGoogle } from "../support/google_account.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import type { SourceHub } from "../support/source_hub.ts";
import { seeded } from "../support/seeded.ts";

const port = freePort();
withHubEnvironment({
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${port}`,
});

/** Egress keeps connections and their timers between tests. */
function driveTest(name: string, run: (account: GoogleAccount) => Promise<void>): void {
  Deno.test({
    name: `DRIVE: ${name}`,
    fn: () => withGoogle(port, run),
    sanitizeResources: false,
    sanitizeOps: false,
  });
}

type Hub = Pick<SourceHub<never, never>, "held">;

function assertExact(hub: Hub, wanted: Map<string, Record<string, unknown>>, when: string): void {
  assert.deepEqual([...hub.held.keys()].sort(), [...wanted.keys()].sort(), `${when}: which files`);
  for (const [id, values] of wanted) {
    const held = hub.held.get(id)!;
    const same = Object.keys(values).map((column) => [column, held[column] ?? null]);
    const texts = Object.entries(values).map(([column, value]) => [
      column,
      typeof value === "number" ? String(value) : value,
    ]);
    assert.deepEqual(same, texts, `${when}: ${id}`);
  }
}

/** Fails with a class; answers the error. */
async function refused(run: Promise<unknown>, errorClass: string): Promise<ProviderError> {
  const error = await run.then(() => null, (reason: unknown) => reason);
  assert.ok(error instanceof ProviderError, `nothing was refused: ${error}`);
  assert.equal(error.errorClass, errorClass, error.message);
  return error;
}

/** Something happens in a Drive. `protectedId` is a folder that stays. */
function editDrive(
  { google: { drive: { store } } }: GoogleAccount,
  random: () => number,
  protectedId?: string,
): void {
  const pick = <Item>(items: Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  const items = [...store.items.values()].filter(({ id }) => id !== protectedId);
  const folders = items.filter(({ mimeType }) => mimeType === FOLDER);
  const place = () =>
    pick([
      store.rootId,
      ...protectedId ? [protectedId] : [],
      ...store.drives.keys(),
      ...folders.map(({ id }) => id),
    ])!;
  const item = pick(random() < 0.5 && folders.length > 0 ? folders : items);
  const choice = random();
  if (item === undefined || choice < 0.2) {
    store.createFile({ parent: place(), sizeBytes: 1 + Math.floor(random() * 1e6) });
  } else if (choice < 0.3) store.createFolder(`Folder ${store.order.length}`, place());
  else if (choice < 0.4) store.rename(item.id, `Renamed ${store.order.length} ${choice}`);
  else if (choice < 0.65) moveIfPossible(store, item, place());
  else if (choice < 0.78) store.trash(item.id);
  else if (choice < 0.88) store.untrash(pick(items.filter(({ trashed }) => trashed))?.id ?? item.id);
  else if (choice < 0.91) store.delete(item.id);
  else store.share(item.id, !item.isShared);
}

function moveIfPossible(
  store: GoogleAccount["google"]["drive"]["store"],
  item: DriveItem,
  parent: string,
): void {
  for (
    let above: string | undefined = parent;
    above !== undefined;
    above = store.items.get(above)?.parents[0]
  ) {
    if (above === item.id) return;
  }
  store.move(item.id, parent);
}

/** A Drive with folders in folders, files in all of them, a shared drive, and more than one page of files. */
function furnish(
  { google: { drive: { store } } }: GoogleAccount,
  files: number,
): { root: string; shared: string } {
  const root = store.createFolder("Chosen").id;
  const shared = store.createDrive("Team").id;
  const folders = [store.rootId, root, shared];
  for (let made = 0; made < 12; made++) {
    folders.push(store.createFolder(`F${made}`, folders[made % folders.length]).id);
  }
  for (let made = 0; made < files; made++) store.createFile({ parent: folders[made % folders.length]! });
  return { root, shared };
}

driveTest("all is read in pages and a constant, and a second read finds nothing", async (account) => {
  furnish(account, 3500);
  const hub = account.hub(driveFiles);
  await hub.run();
  assertExact(hub, driveState(account.google.drive), "after the first run");
  assert.equal(hub.held.size, 3513);
  // One for the token, four pages of files, one of changes.
  assert.equal(account.google.requests.length, 6);
  const before = hub.written;
  await hub.run();
  assert.deepEqual([hub.written, account.google.requests.length], [before, 7]);
});

driveTest("fifty thousand files are fifty pages", async (account) => {
  for (let made = 0; made < 50_000; made++) account.google.drive.store.createFile();
  const hub = account.hub(driveFiles);
  await hub.run();
  assert.equal(hub.held.size, 50_000);
  assert.equal(account.google.requests.length, 52);
});

for (const scope of ["everything", "a folder", "a shared drive"]) {
  driveTest(`${scope} ends exact, whatever happens between any two pages`, async (account) => {
    const { root, shared } = furnish(account, 1500);
    const config = scope === "a folder"
      ? { folder_id: root }
      : scope === "a shared drive"
      ? { drive_ids: [shared] }
      : {};
    for (let seed = 1; seed <= 12; seed++) {
      const random = seeded(seed);
      const hub = account.hub(driveFiles, config);
      const edit = () => {
        for (let edits = 0; edits < 5; edits++) editDrive(account, random, root);
      };
      await hub.run({ between: edit });
      await hub.run();
      assertExact(hub, driveState(account.google.drive, config), `seed ${seed}, first run`);
      for (let round = 1; round <= 6; round++) {
        edit();
        await hub.run({ mode: round === 4 ? "full" : "incremental", between: edit });
        await hub.run();
        assertExact(hub, driveState(account.google.drive, config), `seed ${seed}, round ${round}`);
      }
    }
  });
}

driveTest("what happens before every request, also within a step, is not lost", async (account) => {
  const { root } = furnish(account, 1200);
  for (const config of [{}, { folder_id: root }]) {
    const random = seeded(99);
    const hub = account.hub(driveFiles, config);
    account.google.drive.beforePage = () => editDrive(account, random, root);
    await hub.run({}, 60);
    account.google.drive.beforePage = () => {};
    await hub.run();
    assertExact(hub, driveState(account.google.drive, config), JSON.stringify(config));
  }
});

driveTest("a run goes on from every checkpoint", async (account) => {
  const { root } = furnish(account, 2500);
  for (const config of [{}, { folder_id: root }]) {
    const whole = await account.hub(driveFiles, config).run();
    for (let stop = 1; stop < whole; stop++) {
      const hub = account.hub(driveFiles, config);
      await hub.run({}, stop);
      await hub.run();
      assertExact(hub, driveState(account.google.drive, config), `stopped after ${stop} pages`);
    }
  }
});

driveTest("page tokens that ended in a listing begin it anew", async (account) => {
  const { root } = furnish(account, 2500);
  const { drive } = account.google;
  for (const config of [{}, { folder_id: root }]) {
    const hub = account.hub(driveFiles, config);
    const between = (page: number) => {
      if (page > 2) return;
      drive.expirePageTokens();
      const gone = [...driveState(drive, config).keys()][page * 7]!;
      if (drive.store.items.get(gone)!.mimeType !== FOLDER) drive.store.delete(gone);
      drive.store.createFile({ parent: root });
    };
    await hub.run({ between });
    assertExact(hub, driveState(drive, config), JSON.stringify(config));
  }
});

driveTest(
  "a folder with a hundred folders and pages of files is read, whatever an address has room for",
  async (account) => {
    const { store } = account.google.drive;
    const root = store.createFolder("Chosen").id;
    const folders = [root];
    for (let made = 0; made < 100; made++) {
      folders.push(
        store.createFolder(`F${made}`, folders[made >> 1]).id,
      );
    }
    for (let made = 0; made < 4000; made++) store.createFile({ parent: folders[made % 20]! });
    const hub = account.hub(driveFiles, { folder_id: root });
    await hub.run();
    assertExact(hub, driveState(account.google.drive, { folder_id: root }), "after the first run");
    assert.ok(account.google.requests.every((path) => path.length < 1700));
  },
);

driveTest(
  "a folder with more folders than a checkpoint holds is refused, and says what to do",
  async (account) => {
    const { store } = account.google.drive;
    const root = store.createFolder("Chosen").id;
    for (let made = 0; made < 2001; made++) store.createFolder(`F${made}`, root);
    const error = await refused(account.hub(driveFiles, { folder_id: root }).run(), "misconfigured");
    assert.match(error.message, /more than 2000 folders/);
  },
);

driveTest("a file or a folder that leaves the chosen folder is deleted, with all in it", async (account) => {
  const { store } = account.google.drive;
  const root = store.createFolder("Chosen").id;
  const within = store.createFolder("Within", root).id;
  const deep = store.createFolder("Deep", within).id;
  const file = store.createFile({ parent: root }).id;
  for (let made = 0; made < 5; made++) store.createFile({ parent: deep });
  const outside = store.createFolder("Outside");
  const elsewhere = store.createFile({ parent: outside.id });
  const hub = account.hub(driveFiles, { folder_id: root });
  await hub.run();
  assert.equal(hub.held.size, 8);
  store.move(file, store.rootId);
  store.move(within, outside.id);
  await hub.run();
  assert.equal(hub.held.size, 0);
  store.move(outside.id, root);
  await hub.run();
  assert.equal(hub.held.size, 9);
  assert.ok(hub.held.has(elsewhere.id));
  store.trash(within);
  await hub.run();
  assertExact(hub, driveState(account.google.drive, { folder_id: root }), "with a folder in the trash");
  store.untrash(within);
  await hub.run();
  assert.equal(hub.held.size, 9);
});

driveTest(
  "the chosen folder in the trash stops the sync and deletes nothing, also when a folder above it is",
  async (account) => {
    const { store } = account.google.drive;
    const above = store.createFolder("Above").id;
    const root = store.createFolder("Chosen", above).id;
    store.createFile({ parent: root });
    for (const trashed of [root, above]) {
      const hub = account.hub(driveFiles, { folder_id: root });
      await hub.run();
      store.trash(trashed);
      await refused(hub.run(), "misconfigured");
      assert.equal(hub.held.size, 1);
      await refused(account.hub(driveFiles, { folder_id: root }).run(), "misconfigured");
      store.untrash(trashed);
      await hub.run();
      assert.equal(hub.held.size, 1);
    }
  },
);

driveTest("a shared drive that is left or joined is told by a new listing", async (account) => {
  const { drive } = account.google;
  const { shared } = furnish(account, 100);
  const hub = account.hub(driveFiles);
  await hub.run();
  for (const isMember of [false, true]) {
    drive.store.setMember(shared, isMember);
    await hub.run();
    assertExact(hub, driveState(drive), isMember ? "joined" : "left");
  }
  drive.store.setMember(shared, false);
  await refused(account.hub(driveFiles, { drive_ids: [shared] }).run(), "misconfigured");
});

driveTest("a search that did not look everywhere deletes nothing and says so", async (account) => {
  const { drive } = account.google;
  furnish(account, 20);
  const hub = account.hub(driveFiles);
  await hub.run();
  const held = hub.held.size;
  hub.held.set("unseen", {});
  drive.incompleteSearch = true;
  await hub.run({ mode: "full" });
  assert.equal(hub.held.size, held + 1);
  assert.equal(hub.warnings.length, 1);
  drive.incompleteSearch = false;
  await hub.run({ mode: "full" });
  assertExact(hub, driveState(drive), "after a search everywhere");
});

driveTest(
  "a run of one folder reads that, deletes nothing, and the rest goes on where it was",
  async (account) => {
    const { drive: { store } } = account.google;
    const { root } = furnish(account, 1500);
    const folder = store.createFolder("Asked", root).id;
    for (const config of [{}, { folder_id: root }]) {
      const hub = account.hub(driveFiles, config);
      await hub.run();
      const cursor = hub.cursor;
      const inside = store.createFile({ parent: folder });
      store.createFile({ parent: root });
      const gone = store.createFile({ parent: folder });
      hub.held.set(gone.id, {});
      store.trash(gone.id);
      const before = hub.held.size;
      await hub.run({ parameters: { folder_id: folder } });
      assert.ok(hub.held.has(inside.id));
      assert.equal(hub.held.size, before + 1);
      assert.deepEqual(hub.cursor, cursor);
      await hub.run();
      assertExact(hub, driveState(account.google.drive, config), "after the changes");
      await hub.run({ mode: "full", parameters: { folder_id: folder } });
      await hub.run();
      assertExact(hub, driveState(account.google.drive, config), "after a full run of one folder");
    }
    const outside = store.createFolder("Elsewhere").id;
    const hub = account.hub(driveFiles, { folder_id: root });
    await refused(hub.run({ parameters: { folder_id: outside } }), "misconfigured");
    await refused(hub.run({ parameters: { folder_id: "nothing" } }), "misconfigured");
  },
);

driveTest("other settings than those of the checkpoint read everything anew", async (account) => {
  const { root } = furnish(account, 200);
  const hub = account.hub(driveFiles);
  await hub.run();
  const narrower = account.hub(driveFiles, { folder_id: root });
  narrower.cursor = hub.cursor;
  for (const [id, values] of hub.held) narrower.held.set(id, values);
  await narrower.run();
  assertExact(narrower, driveState(account.google.drive, { folder_id: root }), "with a folder chosen");
});

driveTest("page tokens that never hold end the run instead of reading for ever", async (account) => {
  const { root } = furnish(account, 2500);
  for (const config of [{}, { folder_id: root }]) {
    for (let made = 0; made < 1500; made++) account.google.drive.store.createFile({ parent: root });
    const between = () => account.google.drive.expirePageTokens();
    await refused(account.hub(driveFiles, config).run({ between }), "malformed_answer");
  }
});

driveTest("a folder that is gone in the middle of a search does not hold up the others", async (account) => {
  const { store } = account.google.drive;
  const root = store.createFolder("Chosen").id;
  const folders = [1, 2, 3, 4].map((name) => store.createFolder(`F${name}`, root).id);
  for (let made = 0; made < 4500; made++) store.createFile({ parent: folders[made % 4]! });
  for (const gone of folders.slice(0, 2)) {
    const hub = account.hub(driveFiles, { folder_id: root });
    await hub.run({ between: (page) => void (page === 2 && store.share(gone, false)) });
    assertExact(hub, driveState(account.google.drive, { folder_id: root }), "after it went");
  }
});
