/** Several files saved at once are one change. */
const SETTLE_MS = 150;

/** Calls back with the folders, directly below `functionsDir`, in which files were saved. */
export function watchFunctions(
  functionsDir: string,
  onChange: (folders: Set<string>) => void,
): { close(): void } {
  const watcher = Deno.watchFs(functionsDir, { recursive: true });
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = async () => {
    for await (const event of watcher) {
      if (event.kind === "access") continue;
      for (const path of event.paths) {
        const [folder] = path.slice(functionsDir.length + 1).split("/");
        if (folder && /\.(ts|json|js)$/.test(path)) changed.add(folder);
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        onChange(changed);
        changed.clear();
      }, SETTLE_MS);
    }
  };
  void watch();
  return {
    close() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
