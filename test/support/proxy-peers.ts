/** Where the proxy tools of other people run: a trust directory, a home, an empty environment. */
import { execa } from 'execa'
import { withoutHostCredential } from './host-credential.js'
import { javaStart } from './java.js'
import { runKept } from './kept-program.js'
import type { TestAuthority } from './pki.js'
import { writeTrustDirectory } from './pki-files.js'
import { findProgram } from './programs.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

/** No program takes longer on a busy machine, in milliseconds. */
const DEADLINE_MS = 60_000

/** Open it in `beforeAll`, close it in `afterAll`. */
export class PeerDirectory {
  directory = ''
  trustDirectory = ''
  #remove: (() => Promise<void>) | undefined

  /** Makes the directory and trusts these CAs in it. */
  async open(...authorities: readonly TestAuthority[]): Promise<void> {
    const { path, remove } = await makeTemporaryDirectory()
    this.directory = path
    this.#remove = remove
    this.trustDirectory = await writeTrustDirectory(path, ...authorities)
  }

  async close(): Promise<void> {
    await this.#remove?.()
  }

  /** Runs a program and returns its exit code and everything that it said. */
  async run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ exitCode: number | undefined; text: string }> {
    const environment = {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: this.directory,
      X509_CERT_DIR: this.trustDirectory,
      X509_VOMS_DIR: this.trustDirectory,
      ...env,
    }
    const kept = await runKept(program, args, environment, DEADLINE_MS)
    if (kept !== undefined) {
      return { exitCode: Number(kept.status), text: `${kept.stdout}\n${kept.stderr}` }
    }
    const command = withoutHostCredential(findProgram(program) ?? program, args)
    const java = javaStart(program)
    const { exitCode, stdout, stderr } = await execa(...command, {
      reject: false,
      timeout: DEADLINE_MS,
      extendEnv: false,
      env: { ...environment, ...java.env },
    })
    java.ended()
    return { exitCode, text: `${stdout}\n${stderr}` }
  }
}

/** The part after the colon of the line that starts with `name`. */
export function field(text: string, name: string): string | undefined {
  return new RegExp(`^${name} *: ?(.*)$`, 'm').exec(text)?.[1]
}
