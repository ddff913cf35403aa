/** What people do with a command that they are told: they paste it into a shell. */
import { join } from 'node:path'
import { execa } from 'execa'
import type { GridIdentity, ProgramResult, RealGrid } from './real-peers.js'

const BIN = join(import.meta.dirname, '..', '..', 'bin')

/**
 * Runs it in `sh`, with the built programs first in `$PATH`, on a machine that is no VO-Box and has
 * the user's certificate.
 *
 * @param input what is typed; a pass phrase, for a command that reads it from standard input.
 */
export async function paste(
  grid: Pick<RealGrid, 'directory' | 'trustDirectory'>,
  command: string,
  { as, input = '' }: { as: GridIdentity; input?: string },
): Promise<ProgramResult> {
  const { exitCode, stdout, stderr } = await execa('/bin/sh', ['-c', command], {
    reject: false,
    input,
    extendEnv: false,
    timeout: 60_000,
    env: {
      PATH: `${BIN}:${process.env.PATH ?? '/usr/bin:/bin'}`,
      HOME: grid.directory,
      X509_CERT_DIR: grid.trustDirectory,
      X509_USER_CERT: as.certificatePath,
      X509_USER_KEY: as.keyPath,
      VOBOX_PROXY_ROOT: join(grid.directory, 'no-vobox'),
    },
  })
  return { exitCode, stdout, stderr }
}

/** The command that a hint ends in. */
export const commandOf = (hint: string) => hint.slice(hint.indexOf('vobox-proxy '))
