import assert from "node:assert/strict";
import { driveFiles } from "../../supabase/functions/_shared/providers/google_workspace/drive.ts";
import { driveState, type GoogleAccount } from "../support/google_account.ts";
import { assertExact, furnish, refused } from "../support/google_drive_edits.ts";
import { googleTest } from "../support/google_rig.ts";

const driveTest = (name: string, run: (account: GoogleAccount) => Promise<void>) =>
  googleTest(`DRIVE: ${name}`, run);

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
