/**
 * The answers of the gLite proxy renewal protocol: 0, an errno up to 1900, or one of these. The C
 * client looks the text up in a table that ends with 1912, so nothing larger may be sent.
 */
export const JOB_CODES = {
  OK: 0,
  /** errno: an argument is missing. */
  EINVAL: 22,
  /** errno: a line is longer than the C library sends. */
  ERANGE: 34,
  UNEXPECTED_EOF: 1901,
  GENERIC: 1902,
  PARSE_ERROR: 1903,
  ELEMENT_NOT_FOUND: 1904,
  UNKNOWN_COMMAND: 1905,
  SSL: 1906,
  MYPROXY: 1907,
  NOT_REGISTERED: 1908,
  PROXY_EXPIRED: 1909,
  VOMS: 1910,
  TIMEOUT: 1911,
  SYSTEM: 1912,
} as const

export type JobCode = (typeof JOB_CODES)[keyof typeof JOB_CODES]

/** What the C client prints for a code; what people have searched for. */
const TEXTS: ReadonlyMap<number, string> = new Map([
  [JOB_CODES.EINVAL, 'Invalid argument'],
  [JOB_CODES.ERANGE, 'Numerical result out of range'],
  [JOB_CODES.UNEXPECTED_EOF, 'Unexpected EOF from peer'],
  [JOB_CODES.GENERIC, 'Generic error'],
  [JOB_CODES.PARSE_ERROR, 'Cannot parse protocol messages'],
  [JOB_CODES.ELEMENT_NOT_FOUND, 'Obligatory element not found in message'],
  [JOB_CODES.UNKNOWN_COMMAND, 'Unknown protocol command'],
  [JOB_CODES.SSL, 'SSL error'],
  [JOB_CODES.MYPROXY, 'Error from Myproxy server'],
  [JOB_CODES.NOT_REGISTERED, 'Proxy not registered'],
  [JOB_CODES.PROXY_EXPIRED, 'Proxy expired'],
  [JOB_CODES.VOMS, 'VOMS error'],
  [JOB_CODES.TIMEOUT, 'Operation timed out'],
  [JOB_CODES.SYSTEM, 'System error'],
])

export function jobCodeText(code: number): string {
  return TEXTS.get(code) ?? `Error ${code}`
}
