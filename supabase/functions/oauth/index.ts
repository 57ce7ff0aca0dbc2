import { createFunction } from "../_shared/http/create_function.ts";
import { authorizeRoutes } from "./authorize.ts";
import { callbackRoutes } from "./callback.ts";
import { completeRoutes } from "./complete.ts";
import { disconnectRoutes } from "./disconnect.ts";
import { upkeepRoutes } from "./upkeep.ts";

/** Connects accounts of providers by consent (OAuth 2). docs/connectors/oauth.md has the flow. */
export default createFunction({
  name: "oauth",
  routes: [...authorizeRoutes, ...callbackRoutes, ...completeRoutes, ...disconnectRoutes, ...upkeepRoutes],
});
