/** An exception of the server, by Python's name for it. */
export class OdooException extends Error {
  constructor(
    /** For example "odoo.exceptions.AccessError" or "builtins.ValueError". */
    readonly pythonName: string,
    message: string,
    /** The status that JSON-2 answers with. */
    readonly status: number,
  ) {
    super(message);
  }
}

export const accessDenied = () => new OdooException("odoo.exceptions.AccessDenied", "Access Denied", 403);

export const accessError = (description: string, model: string) =>
  new OdooException(
    "odoo.exceptions.AccessError",
    `You are not allowed to access '${description}' (${model}) records.\n\n` +
      "This operation is allowed for the following groups:\n\t- Employees/Officer: Manage all employees\n\n" +
      "Contact your administrator to request access if necessary.",
    403,
  );

export const userError = (message: string) => new OdooException("odoo.exceptions.UserError", message, 422);

export const valueError = (message: string) => new OdooException("builtins.ValueError", message, 500);

export const serializationFailure = () =>
  new OdooException(
    "psycopg2.errors.SerializationFailure",
    "could not serialize access due to concurrent update\n",
    500,
  );

export const unknownDatabase = (name: string) =>
  new OdooException(
    "psycopg2.OperationalError",
    `connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database "${name}" does not exist\n`,
    500,
  );

/** What `traceback.format_exception` prints. */
export function tracebackOf(exception: OdooException): string {
  return `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/http.py", line 1788, in _serve_db
    return service_model.retrying(self._serve_ir_http, self.env)
  File "/usr/lib/python3/dist-packages/odoo/service/model.py", line 152, in retrying
    result = func()
  File "/usr/lib/python3/dist-packages/odoo/models.py", line 5201, in search_read
    records = self.search_fetch(domain or [], fields, offset=offset, limit=limit, order=order)
${exception.pythonName.replace(/^builtins\./, "")}: ${exception.message}
`;
}

/** The integer of a fault on /xmlrpc/2/*. */
export function faultCodeOf(exception: OdooException): number {
  switch (exception.pythonName) {
    case "odoo.exceptions.AccessDenied":
      return 3;
    case "odoo.exceptions.AccessError":
      return 4;
    case "odoo.exceptions.UserError":
    case "odoo.exceptions.ValidationError":
    case "odoo.exceptions.MissingError":
    case "odoo.exceptions.RedirectWarning":
      return 2;
    default:
      return 1;
  }
}

/** The object by which JSON-2 and JSON-RPC tell of an exception. */
export function errorObjectOf(exception: OdooException, status?: number): Record<string, unknown> {
  return {
    name: exception.pythonName,
    message: exception.message,
    arguments: status === undefined ? [exception.message] : [exception.message, status],
    context: {},
    debug: tracebackOf(exception),
  };
}
