// `npm test`: everything, on a fresh clone too. Arguments go to vitest (`npm test -- test/unit/proxy`).
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

run('node', ['scripts/build.mjs'])
// Each Node that starts would read these certificates anew, a tenth of a second each; the tests need none.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
run('node_modules/.bin/vitest', ['run', ...process.argv.slice(2)], { env })
