/** `vobox-proxy config` through the built program. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

let box: VoBox
let remove: () => Promise<void>

beforeAll(async () => {
  const temporary = await makeTemporaryDirectory()
  remove = temporary.remove
  box = new VoBox(temporary.path, { vo: 'alice', config: '', kept: true })
})
afterAll(async () => {
  await box.close()
  await remove()
})

const written = (text: string) => box.put('other.toml', text)

describe('config', () => {
  it('prints what can be pasted, with file, line and variable', async () => {
    const file = written('# ours\n[keys]\npool = 3\n')
    const { stdout, status } = await box.call(
      ['config', 'keys', 'myproxy.port', '--config', file],
      { env: { MYPROXY_SERVER_PORT: '7777' } },
    )
    expect(status).toBe(0)
    expect(stdout).toContain(`# configuration file: ${file}\n`)
    expect(stdout).toMatch(/\n\[keys\]\nkind = "rsa2048" +# default\npool = 3 +# .*other\.toml:3\n/)
    expect(stdout).toMatch(/\n\[myproxy\]\nport = 7777 +# \$MYPROXY_SERVER_PORT\n$/)
  })

  it.each([
    ['an unknown key', '[keys]\npool = 3\npoool = 3\n', 3, 'keys.poool', 'is not a setting'],
    ['an unknown table', '\n\n[kees]\npool = 3\n', 3, 'kees', 'is not a setting'],
    ['a wrong type', '[keys]\n\npool = "many"\n', 3, 'keys.pool', 'must be a whole number'],
    ['a value where a table belongs', 'mail = 1\n', 1, 'mail', 'must be a table'],
  ])('names file and line of %s', async (_name, text, line, key, message) => {
    const file = written(text)
    const { stdout, stderr, status } = await box.call(['config', '--json', '--config', file])
    expect([stdout, status]).toEqual(['', 1])
    const { error } = JSON.parse(stderr)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', data: { path: file, line, key } })
    expect(error.message).toContain(`${file}:${line}: '${key}' ${message}`)
  })

  it('names file, line and column of what is no TOML', async () => {
    const file = written('[keys]\npool = = 3\n')
    const { stderr } = await box.call(['config', '--json', '--config', file])
    const { error } = JSON.parse(stderr)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', data: { path: file, line: 2 } })
  })

  it('refuses a name that is no setting, with 2', async () => {
    const { stdout, stderr, status } = await box.call(['config', 'keys', 'kees'])
    expect([stdout, status]).toEqual(['', 2])
    expect(stderr).toContain("there is no setting 'kees'")
  })
})
