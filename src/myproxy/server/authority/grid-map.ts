/**
 * The grid-mapfile of a CA: which DN an account name has.
 *
 *     "/DC=org/DC=example/CN=Some Name" name,other
 *
 * The same format as everywhere on the grid, read in the other direction. The first line that has
 * the name counts, as in the C server (`globus_gss_assist_map_local_user`).
 */

/**
 * @returns the DN as it is written, escapes of the mapfile undone; undefined when no line has the
 *   name.
 */
export function dnOfUser(text: string, username: string): string | undefined {
  for (const line of text.split('\n')) {
    const entry = parseLine(line)
    if (entry?.users.includes(username)) return entry.dn
  }
  return undefined
}

/** Comments, blank lines and what is not an entry have no meaning, as for every reader of the file. */
function parseLine(line: string): { dn: string; users: readonly string[] } | undefined {
  const text = line.trim()
  const match =
    /^"((?:[^"\\]|\\.)*)"\s+(\S+)/.exec(text) ?? /^([^#"\s]\S*)\s+([^\s"]+)\s*$/.exec(text)
  const [, dn, users] = match ?? []
  if (dn === undefined || users === undefined) return undefined
  return { dn: withoutEscapes(dn), users: users.split(',') }
}

/** A backslash before a sign keeps it; before `xHH` it stands for a byte, which the DN keeps so. */
function withoutEscapes(dn: string): string {
  return dn.replace(/\\(?!x[0-9A-Fa-f]{2})(.)/g, '$1')
}
