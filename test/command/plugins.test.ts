/** oclif can load plugins that somebody put into a home directory; our programs load none. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'vobox-proxy')

it('no plugin of the user is loaded, by XDG_DATA_HOME or in the usual place', async () => {
  const home = await temporaryDirectory()
  const witness = join(home, 'witness')
  for (const data of [join(home, 'xdg'), join(home, '.local', 'share')]) {
    const place = join(data, 'vobox-proxy')
    const plugin = join(place, 'node_modules', 'evil')
    mkdirSync(plugin, { recursive: true })
    const plugins = [{ name: 'evil', type: 'user', tag: 'latest' }]
    writeFileSync(
      join(place, 'package.json'),
      JSON.stringify({
        name: 'vobox-proxy',
        private: true,
        oclif: { schema: 1, plugins },
        dependencies: { evil: '1' },
      }),
    )
    const oclif = { hooks: { init: './hook.js', prerun: './hook.js', postrun: './hook.js' } }
    writeFileSync(
      join(plugin, 'package.json'),
      JSON.stringify({ name: 'evil', version: '1.0.0', main: 'hook.js', oclif }),
    )
    const write = `require('node:fs').writeFileSync(${JSON.stringify(witness)}, 'loaded')`
    writeFileSync(join(plugin, 'hook.js'), `${write}\nmodule.exports = async () => {}\n`)
  }
  for (const XDG_DATA_HOME of ['', join(home, 'xdg')]) {
    const env = { PATH: process.env.PATH ?? '', HOME: home, XDG_DATA_HOME }
    const words = ['info', '-f', join(home, 'none')]
    const { stderr } = await execa(PROGRAM, words, { extendEnv: false, env, reject: false })
    expect(stderr).toContain(`there is no proxy in ${home}/none`)
    expect(existsSync(witness)).toBe(false)
  }
})
