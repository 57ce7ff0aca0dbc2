import { ProviderError } from "../provider_error.ts";

/** An exception of the server as a wire told of it. */
export interface ServerException {
  /** Python's name, such as "odoo.exceptions.AccessError"; "" = unknown. */
  name: string;
  /** Its message, of as many lines as it has. */
  message: string;
}

/** Names of exceptions that come and go with what else runs at the moment. */
const passing =
  /SerializationFailure|LockNotAvailable|DeadlockDetected|PoolError|TooManyConnections|InFailedSqlTransaction/;
const passingText =
  /could not serialize access|deadlock detected|connection pool is full|too many connections/i;

/** What people call the models that are read. */
const modelNames: Record<string, string> = {
  "hr.employee": "employees",
  "hr.department": "departments",
  "hr.version": "employee versions",
};

/** A model as a person knows it, for sentences. */
export function modelName(model: string): string {
  return modelNames[model] ? `${modelNames[model]} (${model})` : model;
}

/**
 * The exception behind a fault of XML-RPC. The text of code 1 is a whole traceback: only the exception that it ends with
 * is looked at.
 */
export function faultException(faultCode: number, faultString: string): ServerException {
  switch (faultCode) {
    case 2:
      return { name: "odoo.exceptions.UserError", message: faultString };
    case 3:
      return { name: "odoo.exceptions.AccessDenied", message: faultString };
    case 4:
      return { name: "odoo.exceptions.AccessError", message: faultString };
    default:
      return lastException(faultString);
  }
}

/** The exception that a traceback ends with: what follows its last frame. Its message may go on over lines. */
function lastException(traceback: string): ServerException {
  const last = [...traceback.matchAll(/^[ \t]+\S[^\n]*\n([A-Za-z_][\w.]*)(?:: ([^\n]*))?$/gm)].at(-1);
  return last ? { name: last[1]!, message: last[2] ?? "" } : { name: "", message: traceback };
}

/** Of a beginning or an end: what tells exceptions apart stands there. */
const MAX_MESSAGE_CHARS = 2000;

/** A message without its middle, so that whoever answers with megabytes gives the patterns below little to look at. */
function ends(message: string): string {
  if (message.length <= 2 * MAX_MESSAGE_CHARS) return message;
  return `${message.slice(0, MAX_MESSAGE_CHARS)}\n${message.slice(-MAX_MESSAGE_CHARS)}`;
}

/** An exception of the server by what can be done about it, in one sentence. */
export function exceptionError(exception: ServerException, model: string): ProviderError {
  const { name } = exception;
  const message = ends(exception.message);
  const providerCode = name.split(".").at(-1) || null;
  const error = (errorClass: ConstructorParameters<typeof ProviderError>[0], sentence: string) =>
    new ProviderError(errorClass, sentence, { providerCode });
  if (passing.test(name) || passingText.test(message)) {
    return error(
      "transient",
      "Odoo was busy with other changes to the same records; it may do better in a moment.",
    );
  }
  if (/database ".*" does not exist/.test(message)) {
    return error(
      "misconfigured",
      "This Odoo has no database of the configured name; correct it in the settings.",
    );
  }
  if (/^Object \S+ doesn't exist|the model '\S+' does not exist/.test(message)) {
    return noModel(model, providerCode);
  }
  switch (providerCode) {
    case "AccessDenied":
    case "Unauthorized":
      return keyRefused(providerCode);
    case "AccessError":
    case "Forbidden":
      return error(
        "permission_missing",
        `The Odoo user may not read ${
          modelName(model)
        }; give it the access right "Employees: Officer" and try again.`,
      );
    case "UserError":
    case "ValidationError":
    case "MissingError":
    case "RedirectWarning":
      return error("input_refused", `Odoo refused to read ${modelName(model)}${reason(message)}.`);
    case null:
      return error("transient", "Odoo failed on its side and did not say how; its server log says more.");
    default:
      return error(
        "transient",
        `Odoo failed on its side while it read ${modelName(model)} (${
          providerCode.slice(0, 60)
        }); its server log says more.`,
      );
  }
}

/** Bad credentials; Odoo does not tell a wrong login from a wrong or expired key. */
export function keyRefused(providerCode: string | null): ProviderError {
  return new ProviderError(
    "reconnect_needed",
    "Odoo refuses the API key: it is wrong, expired or revoked; make a new one in Odoo and save it here with its user's login.",
    { providerCode },
  );
}

function noModel(model: string, providerCode: string | null): ProviderError {
  const sentence = model.startsWith("hr.")
    ? `This Odoo does not know ${modelName(model)}; install the Employees app there.`
    : `This Odoo does not know ${modelName(model)}.`;
  return new ProviderError("misconfigured", sentence, { providerCode });
}

/** The first line of what Odoo says to its users, unless it looks like the inside of the server. */
function reason(message: string): string {
  const line = message.split("\n").map((one) => one.trim()).find((one) => one !== "") ?? "";
  if (line === "" || /Traceback|File "|[\\/]\w+[\\/]|\.py\b/.test(line)) return "";
  return `: ${line.slice(0, 200).replace(/[.\s]+$/, "")}`;
}
