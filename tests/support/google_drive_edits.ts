import assert from "node:assert/strict";
import { type DriveItem, FOLDER } from "../../simulators/google/drive_store.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import type { GoogleAccount } from "./google_account.ts";
import type { SourceHub } from "./source_hub.ts";

/** What is held. */
type Hub = Pick<SourceHub<never, never>, "held">;

/** That the hub holds exactly this. */
export function assertExact(hub: Hub, wanted: Map<string, Record<string, unknown>>, when: string): void {
  assert.deepEqual([...hub.held.keys()].sort(), [...wanted.keys()].sort(), `${when}: which files`);
  for (const [id, values] of wanted) {
    const held = hub.held.get(id)!;
    const compared = (value: unknown) => typeof value === "number" ? String(value) : value ?? null;
    assert.deepEqual(
      Object.keys(values).map((column) => [column, compared(held[column])]),
      Object.entries(values).map(([column, value]) => [column, compared(value)]),
      `${when}: ${id}`,
    );
  }
}

/** Fails with a class; answers the error. */
export async function refused(run: Promise<unknown>, errorClass: string): Promise<ProviderError> {
  const error = await run.then(() => null, (reason: unknown) => reason);
  assert.ok(error instanceof ProviderError, `nothing was refused: ${error}`);
  assert.equal(error.errorClass, errorClass, error.message);
  return error;
}

/** Something happens in a Drive. `protectedId` is a folder that stays. */
export function editDrive(
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
export function furnish(
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
