import { FOLDER } from "../../simulators/google/drive_store.ts";
import assert from "node:assert/strict";
import { driveFiles } from "../../supabase/functions/_shared/providers/google_workspace/drive.ts";
import { driveState, type GoogleAccount } from "../support/google_account.ts";
import { assertExact, editDrive, furnish, refused } from "../support/google_drive_edits.ts";
import { googleTest } from "../support/google_rig.ts";
import { seeded } from "../support/seeded.ts";

const driveTest = (name: string, run: (account: GoogleAccount) => Promise<void>) =>
  googleTest(`DRIVE: ${name}`, run);

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

driveTest("page tokens that never hold end the run instead of reading for ever", async (account) => {
  const { root } = furnish(account, 2500);
  for (const config of [{}, { folder_id: root }]) {
    for (let made = 0; made < 1500; made++) account.google.drive.store.createFile({ parent: root });
    const between = () => account.google.drive.expirePageTokens();
    await refused(account.hub(driveFiles, config).run({ between }), "malformed_answer");
  }
});
