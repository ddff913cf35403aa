/**
 * Logging on with a pass phrase, as people and cron jobs do: whole processes, ours against
 * `myproxy-logon`, in one run against one server.
 */
import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../test/support/programs.js'
import { type RealGrid, startRealGrid } from '../test/support/real-peers.js'
import { race } from './support/measure.js'
import type { Row, Section } from './support/report.js'

const ROUNDS = 31
const PROGRAM = join(process.cwd(), 'bin', 'vobox-proxy')
const PASS_PHRASE = 'a pass phrase'

/** Neither side is root: the launcher looks at more then, and the C tool takes the host's credential. */
const NOBODY = { uid: 65_534, gid: 65_534 }

export async function measureLogon(): Promise<Section[]> {
  const grid = await startRealGrid()
  try {
    const options = ['-a', '-l', 'alice', '-c', '168', '-t', '24']
    await grid.upload({ as: grid.users.alice, options, passPhrase: PASS_PHRASE })
    return [await wholeProcesses(grid)]
  } finally {
    await grid.stop()
  }
}

async function wholeProcesses(grid: RealGrid): Promise<Section> {
  const caller = await prepareCaller(grid)
  const ours = (...words: string[]) => caller(PROGRAM, ['myproxy', 'logon', ...words], 'ours')
  const times = await race(
    {
      c: () => caller(findProgram('myproxy-logon') ?? 'myproxy-logon', [], 'c'),
      p256: () => ours('--key-type', 'p256'),
      rsa: () => ours('--key-type', 'rsa2048'),
      node: () => caller('node', ['-e', '0']),
    },
    ROUNDS,
  )
  const row = (what: string, ms: number, atMost: number): Row => ({
    what,
    ours: `${ms.toFixed(0)} ms`,
    peer: `\`myproxy-logon\` ${times.c.toFixed(0)} ms`,
    ratio: ms / times.c,
    limit: { atMost },
  })
  return {
    title: 'Logging on',
    how:
      'Whole processes, with a pass phrase from standard input, the same server on the same cores; the ' +
      `C program makes an RSA-2048 key and does not look at what came. Median of ${ROUNDS} alternating ` +
      `runs; \`node -e 0\` takes ${times.node.toFixed(0)} ms of ours.`,
    rows: [row('a P-256 key', times.p256, 1), row('a fresh RSA-2048 key', times.rsa, 1.6)],
  }
}

/** Runs a program as somebody without rights; `-o` names a file of theirs where one is given. */
async function prepareCaller(grid: RealGrid) {
  const home = join(grid.directory, 'caller')
  await mkdir(home, { mode: 0o700 })
  const phrase = join(home, 'phrase')
  const file = await open(phrase, 'wx', 0o600)
  await file.writeFile(`${PASS_PHRASE}\n`)
  await file.close()
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    for (const path of [home, phrase]) await chown(path, NOBODY.uid, NOBODY.gid)
    await openToAll(grid)
  }
  const { host, port } = grid.server
  const env = { PATH: process.env.PATH, HOME: home, X509_CERT_DIR: grid.trustDirectory }
  const words = ['-S', '-l', 'alice', '-s', `${host}:${port}`]
  return async (program: string, first: string[], out?: string): Promise<void> => {
    const args = out === undefined ? first : [...first, ...words, '-o', join(home, out)]
    const input = await open(phrase)
    try {
      const stdio = [input.fd, 'ignore', 'ignore'] as const
      const account = isRoot ? NOBODY : {}
      await ended(spawn(program, args, { env, cwd: home, stdio: [...stdio], ...account }), program)
    } finally {
      await input.close()
    }
  }
}

/** The directory is this user's own; a caller of another account must get to the CA files. */
async function openToAll({ directory }: RealGrid): Promise<void> {
  await chmod(directory, 0o711)
}

function ended(child: ReturnType<typeof spawn>, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status) => {
      if (status === 0) resolve()
      else reject(new Error(`${program} ended with ${status}`))
    })
  })
}
