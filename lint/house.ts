/**
 * The house rules as a plugin of `deno lint`: what a reviewer would otherwise have to notice. Each rule is a file of
 * its own and says in its message what to do instead.
 *
 * @module
 */
import { doubleCast } from "./rules/double_cast.ts";
import { errorMessage } from "./rules/error_message.ts";
import { fileLength } from "./rules/file_length.ts";
import { fileName } from "./rules/file_name.ts";
import { floors } from "./rules/floors.ts";
import { mappedImports } from "./rules/mapped_imports.ts";
import { rawClient } from "./rules/raw_client.ts";
import { routeAuth } from "./rules/route_auth.ts";
import { unitInName } from "./rules/unit_in_name.ts";

const house: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "double-cast": doubleCast,
    "error-message": errorMessage,
    "file-length": fileLength,
    "file-name": fileName,
    "floors": floors,
    "mapped-imports": mappedImports,
    "raw-client": rawClient,
    "route-auth": routeAuth,
    "unit-in-name": unitInName,
  },
};
export default house;
