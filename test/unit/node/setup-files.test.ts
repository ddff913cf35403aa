import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readConfig } from '../../../src/config/read-config.js'
import { minuteOf } from '../../../src/node/setup/host-minute.js'
import {
  commonFiles,
  cronFiles,
  type SetupNames,
  systemdFiles,
  systemdPaths,
} from '../../../src/node/setup/setup-files.js'

const HOME = join(import.meta.dirname, '../../..')
const template = (name: string) => readFileSync(join(HOME, name), 'utf8')

const names: SetupNames = {
  vo: 'a.b',
  admin: { name: 'alicesgm', uid: 1000, gid: 1000, group: 'alice' },
  root: '/data/vobox',
  minute: 17,
  jobs: true,
  programs: { vobox: '/opt/v/bin/vobox-proxy', renewd: '/opt/v/bin/vobox-renewd' },
}
const all = [
  ...commonFiles(names, template),
  ...cronFiles(names, template),
  ...systemdFiles(names, template, () => false),
]
const contentOf = (path: string) => all.find((file) => file.path === path)?.content ?? ''

it('no file has a name left that should have been put in', () => {
  for (const { path, content } of all) expect(`${path}: ${content}`).not.toMatch(/@[A-Z]+@/)
})

it('the unit of a VO is the template with its names, its root and its admin', () => {
  const unit = contentOf('/etc/systemd/system/a.b-box-proxyrenewal.service')
  expect(unit).not.toContain('%i')
  expect(unit).toMatch(/^\[Service\]\nUser=alicesgm\nGroup=alice\nType=notify$/m)
  expect(unit).toContain('\nReadWritePaths=/data/vobox/a.b\n')
  expect(unit).toContain('\nConflicts=vobox-renewd@a.b.service\n')
  expect(unit).toContain('\nExecStart=/etc/init.d/a.b-box-proxyrenewal foreground\n')
})

it('all that is written for one VO alone is what is removed with it', () => {
  const written = systemdFiles(names, template, () => true).map(({ path }) => path)
  expect(systemdPaths('a.b').sort()).toEqual(written.sort())
})

it('the service sees /tmp, and can write there, only where jobs are to be served', () => {
  const path = '/etc/systemd/system/a.b-box-proxyrenewal.service.d/vobox-jobs.conf'
  const settings = contentOf(path)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  expect(settings).toEqual(['[Service]', 'PrivateTmp=no', 'ReadWritePaths=/tmp'])
  const without = systemdFiles({ ...names, jobs: false }, template, () => true)
  expect(without.map((file) => file.path)).not.toContain(path)
})

it('two VOs provide two things: Provides has the name of the VO', () => {
  expect(contentOf('/etc/init.d/a.b-box-proxyrenewal')).toMatch(
    /^# Provides: +a\.b-box-proxyrenewal$/m,
  )
})

it('the default configuration sets nothing, and each line taken alive is the default', () => {
  const text = template('docs/config.toml')
  const read = (toml: string) => readConfig({ file: { path: 'x', text: toml }, environment: {} })
  const defaults = readConfig({ environment: {} })
  expect(read(text)).toEqual(defaults)
  const lines = text.split('\n').filter((line) => /^# [\w.]+ = /.test(line))
  expect(lines.length).toBeGreaterThanOrEqual(8)
  expect(read(text.replace(/^# ([\w.]+ = )/gm, '$1'))).toEqual(defaults)
})

it('the minute is one of sixty, stays, and differs between 200 hosts in at least 40 values', () => {
  const minutes = Array.from({ length: 200 }, (_, host) => minuteOf('id', `host${host}`))
  expect(minutes.every((minute) => Number.isInteger(minute) && minute >= 0 && minute < 60)).toBe(
    true,
  )
  expect(new Set(minutes).size).toBeGreaterThanOrEqual(40)
  expect(minuteOf('id', 'host1')).toBe(minutes[1])
})
