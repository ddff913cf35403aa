/** Every script of the shell's, as the shells of Debian and shellcheck read it. */
import { expect, it } from 'vitest'
import { execFileSync, spawnSync } from '../support/bounded.js'
import { describeWithPrograms } from '../support/programs.js'

const SCRIPTS = execFileSync('grep', [
  '-rlE',
  '^#!/bin/(ba)?sh',
  'init.d',
  'bin',
  'compat',
  'scripts/package',
])
  .toString()
  .trim()
  .split('\n')
  .sort()

describeWithPrograms('the shell scripts', ['shellcheck', 'dash', 'busybox'], () => {
  it('are at least nine', () => {
    expect(SCRIPTS).toEqual(
      expect.arrayContaining(['bin/vobox-proxy', 'init.d/vo-box-proxyrenewal']),
    )
    expect(SCRIPTS.length).toBeGreaterThanOrEqual(9)
  })

  it.each(
    SCRIPTS.flatMap((script) => [
      { script, command: ['shellcheck', '-x', '-P', '.'] },
      { script, command: ['dash', '-n'] },
      { script, command: ['busybox', 'sh', '-n'] },
    ]),
  )(
    '$command.0 has nothing to say about $script',
    ({ script, command: [program = '', ...words] }) => {
      const { status, stdout, stderr } = spawnSync(program, [...words, script], {
        encoding: 'utf8',
      })
      expect(`${stdout}${stderr}`).toBe('')
      expect(status).toBe(0)
    },
  )
})
