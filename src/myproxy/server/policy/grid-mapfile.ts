/**
 * A grid-mapfile: whose DN stands for which accounts.
 *
 *     "/DC=org/DC=example/OU=Users/CN=alice" alice,production
 *
 * As Globus reads it, by what Debian's myproxy-server 6.2 does with one: a DN with blanks stands in
 * double quotes; `\x69` is a character by its number, another character behind a backslash is itself;
 * capitals make no difference in a DN; commas and blanks separate accounts; the first line of a DN is
 * the only one; empty lines and those that begin with `#` say nothing.
 */

/** A quoted or a bare DN, and all that follows. */
const LINE = /^\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"#]\S*)\s)(.*)$/

/** The accounts of each DN. */
export class GridMap {
  readonly #accounts: ReadonlyMap<string, readonly string[]>

  private constructor(accounts: ReadonlyMap<string, readonly string[]>) {
    this.#accounts = accounts
  }

  static parse(text: string): GridMap {
    const accounts = new Map<string, readonly string[]>()
    for (const { dn, names } of entriesOf(text)) {
      if (!accounts.has(comparable(dn))) accounts.set(comparable(dn), names)
    }
    return new GridMap(accounts)
  }

  /** In the order of the line; none for a DN that is not there. */
  accountsOf(dn: string): readonly string[] {
    return this.#accounts.get(comparable(dn)) ?? []
  }
}

function* entriesOf(text: string): Iterable<{ dn: string; names: readonly string[] }> {
  for (const line of text.split('\n')) {
    const [, quoted, bare, rest = ''] = LINE.exec(line) ?? []
    const dn = quoted ?? bare
    if (dn === undefined) continue
    yield { dn, names: rest.split(/[\s,]+/).filter((name) => name !== '') }
  }
}

/** The file read in the other direction, as a CA does: the DN of each account. */
export class AccountMap {
  readonly #dns: ReadonlyMap<string, string>

  private constructor(dns: ReadonlyMap<string, string>) {
    this.#dns = dns
  }

  static parse(text: string): AccountMap {
    const dns = new Map<string, string>()
    for (const { dn, names } of entriesOf(text)) {
      for (const name of names) if (!dns.has(name)) dns.set(name, dn)
    }
    return new AccountMap(dns)
  }

  /**
   * Of the first line that has the account.
   *
   * @returns as it is written: capitals stay, and so do characters by their number; a backslash
   *   before anything else is gone.
   */
  dnOf(account: string): string | undefined {
    return this.#dns.get(account)?.replace(/\\(?!x[0-9A-Fa-f]{2})(.)/g, '$1')
  }
}

/** Names of attributes that the tools of twenty years have written in more than one way. */
const ATTRIBUTES: readonly (readonly [written: RegExp, meant: string])[] = [
  [/\/(?:e|email)=/g, '/emailaddress='],
  [/\/userid=/g, '/uid='],
]

function comparable(dn: string): string {
  const plain = dn
    .replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex?: string, character = '') =>
      hex === undefined ? character : String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .toLowerCase()
  return ATTRIBUTES.reduce((text, [written, meant]) => text.replace(written, meant), plain)
}
