// `npm test`: all but the long tests, on a fresh clone too. Arguments go to vitest.
//   npm test -- test/unit/proxy    what lies there, the long ones among it too
//   npm run test:long              the long ones, which `test/long.ts` lists
//   npm run test:all               both
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { installDependencies, run } from './install-dependencies.mjs'
import { installPeers, missingPeers, packagesOf } from './real-peers.mjs'

installDependencies()
installPeers()

const missing = missingPeers()
if (missing.length > 0) {
  const cure = `sudo apt-get install --no-install-recommends ${packagesOf(missing).join(' ')}`
  process.stderr.write(
    [
      '',
      '!! Tests against real peers are NOT run where their programs are missing:',
      `!!   ${missing.join(', ')}`,
      `!! To run them: ${cure}`,
      '',
      '',
    ].join('\n'),
  )
  if (process.env.CI) {
    process.stderr.write('In CI a missing peer is a failure.\n')
    process.exit(1)
  }
}

const shut = process.getuid?.() === 0 ? shutAbove(import.meta.dirname) : undefined
if (shut !== undefined) {
  process.stderr.write(`!! Some tests run our programs as other users, who cannot enter ${shut}.\n`)
  process.stderr.write('!! They will fail here: clone to a directory that all may enter.\n\n')
}

run('node', ['scripts/build.mjs'])
const given = process.argv.slice(2)
const words = given.filter((word) => !['--all', '--long'].includes(word))
const projects = chosenProjects()
const status = runTests([...projects.flatMap((name) => ['--project', name]), ...words])
if (!projects.includes('long')) {
  process.stderr.write('!! The long tests were left out (whole machines, packages, kills).\n')
  process.stderr.write('!! To run them: npm run test:long\n\n')
}
process.exit(status)

/** The directory at or above `directory` that not everybody may enter. */
function shutAbove(directory) {
  if ((statSync(directory).mode & 0o001) === 0) return directory
  const above = dirname(directory)
  return above === directory ? undefined : shutAbove(above)
}

/** Whoever names files has chosen already. */
function chosenProjects() {
  if (given.includes('--long')) return ['long']
  const all = given.includes('--all') || words.some((word) => !word.startsWith('-'))
  return all ? ['tests', 'long'] : ['tests']
}

/**
 * Runs vitest; its exit status. Keys of `generateKeyPairSync` can make a process of Node 20 stand still (see
 * `ecKey` in test/support/pki.ts), and a few tests need them; files whose process was killed for that, when
 * nothing else failed, are run once more.
 */
function runTests(words) {
  const directory = mkdtempSync(join(tmpdir(), 'vobox-tests-'))
  const list = join(directory, 'blocked')
  try {
    const status = vitest(words, list)
    if (status === 0 || !existsSync(list)) return status
    const blocked = readFileSync(list, 'utf8').split('\n')
    process.stderr.write(`\n!! Once more: ${blocked.join(' ')}\n\n`)
    return vitest(blocked, join(directory, 'again'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function vitest(words, blockedList) {
  const env = { ...process.env, VOBOX_TESTS_BLOCKED: blockedList }
  // Each Node that starts would read these certificates anew, a tenth of a second each; no test needs them.
  delete env.NODE_EXTRA_CA_CERTS
  const program = 'node_modules/.bin/vitest'
  const root = join(import.meta.dirname, '..')
  const { status } = spawnSync(program, ['run', ...words], { cwd: root, stdio: 'inherit', env })
  return status ?? 1
}
