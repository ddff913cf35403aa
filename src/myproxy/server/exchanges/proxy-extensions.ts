/**
 * Extensions that every proxy from the repository is given, as `proxy_extfile` or `proxy_extapp` of
 * `myproxy-server.config(5)` say.
 *
 * Debian's server crashes on every file that adds one, and issues the proxy without where it cannot
 * read the file or the program fails. Here a file is judged when the server starts, and where the
 * program fails no proxy is issued: nobody asked for one that lacks what it should say.
 */
import { OID } from '../../../asn1/oids.js'
import { RESERVED_PROXY_EXTENSIONS } from '../../../proxy/issue-proxy.js'
import type { CertificateExtension } from '../../../x509/certificate.js'
import { type Asked, asArgument, askProgram } from '../authority/call-out-text.js'
import { compileExtensions } from '../authority/compile-extensions.js'
import {
  DEFAULT_SECTION,
  extensionInvalid,
  parseExtensionText,
} from '../authority/extension-text.js'
import type { ExtensionSubject } from '../authority/known-extensions.js'
import { notDelegated } from '../refusals.js'

export interface ProxyExtensions {
  /**
   * @param credsPath of the stored credential.
   * @throws `PROGRAM_FAILED`, `CONFIG_INVALID` for what a program says; `signal.reason`.
   */
  extensionsFor(
    username: string,
    credsPath: string,
    signal: AbortSignal,
  ): Promise<readonly CertificateExtension[]>
}

/** As the file was when the configuration was read. @throws `CONFIG_INVALID` with path and line. */
export function proxyExtensionsOfFile(text: string, path: string): ProxyExtensions {
  const extensions = compile(text, path)
  return { extensionsFor: async () => extensions }
}

/** A program that is given the user name and the path of the stored credential prints such a file. */
export function proxyExtensionsOfProgram(asked: Asked): ProxyExtensions {
  return {
    async extensionsFor(username, credsPath, signal) {
      const argument = asArgument(username)
      if (argument === undefined)
        throw notDelegated('no program can be asked about such a user name')
      const text = await askProgram(asked, { arguments: [argument, credsPath] }, signal)
      return compile(text, asked.program)
    },
  }
}

/** What a proxy has anyway, and the attributes that only a VOMS server gives. */
const NOT_THEIRS: ReadonlySet<string> = new Set([...RESERVED_PROXY_EXTENSIONS, OID.vomsAcSequence])

/** What speaks of the proxy's key or its issuer is what every proxy has anyway. */
const NOBODY: ExtensionSubject = {
  get publicKey(): never {
    throw new RangeError('is not for a file to set in a proxy')
  },
  get issuer(): never {
    throw new RangeError('is not for a file to set in a proxy')
  },
}

function compile(text: string, where: string): readonly CertificateExtension[] {
  const parsed = parseExtensionText(text, where)
  const extensions = compileExtensions(parsed, where, NOBODY)
  for (const [index, { oid }] of extensions.entries()) {
    if (!NOT_THEIRS.has(oid)) continue
    const line = parsed.get(DEFAULT_SECTION)?.[index]
    const problem = `${line?.name ?? oid}: is not for a file to set in a proxy`
    throw extensionInvalid(where, line?.line ?? 1, problem)
  }
  return extensions
}
