import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import {
  explainConfiguration,
  variablesSetBy,
} from '../../../src/node/compose/compose-explain-config.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Files } from '../../../src/ports/files.js'

const KNOWN = ['MYPROXY_SERVER', 'X509_CERT_DIR', 'VOBOX_PROXY_ROOT']

describe('variablesSetBy', () => {
  it.each([
    ['plain, exported and quoted', 'MYPROXY_SERVER=a\nexport X509_CERT_DIR="/b c"\n', [0, 1]],
    ['one that is set twice', 'MYPROXY_SERVER=a\n  MYPROXY_SERVER=b\n', [0]],
    ['in a branch', 'if true; then\n\texport VOBOX_PROXY_ROOT=/x\nfi', [2]],
    ['not in a comment', '# MYPROXY_SERVER=a\n', []],
    ['not of another name', 'MY_MYPROXY_SERVER=a\nMYPROXY_SERVER_DN=b\nPATH=/c\n', []],
    ['not where it is only used', 'echo $MYPROXY_SERVER\n[ "$X509_CERT_DIR" = x ]\n', []],
  ])('sees %s', (_name, text, expected) => {
    expect(variablesSetBy(text, KNOWN)).toEqual(expected.map((at) => KNOWN[at]))
  })
})

describe('explainConfiguration', () => {
  const etc: Record<string, string> = {
    '/etc/profile.d/grid-env.sh': 'export X509_CERT_DIR=/cvmfs/ca\n',
    '/etc/alicesgm-box-proxyrenewal': 'MYPROXY_SERVER=px.example.org\nexport MYPROXY_SERVER\n',
  }
  const files: Files = {
    ...nodeFiles,
    list: async () => ['passwd', 'alicesgm-box-proxyrenewal', '.x-box-proxyrenewal', 'a-box-proxy'],
    read: async (path) => {
      const text = etc[path]
      if (text === undefined) throw new VoboxError('FILE_MISSING', path)
      return { bytes: Buffer.from(text), facts: {} as never }
    },
  }

  it('takes variables from its own environment alone, and says what the scripts read', async () => {
    const environment = { X509_CERT_DIR: '/own', MYPROXY_SERVER: '' }
    const found = await explainConfiguration({ environment, names: [] }, files)
    const settingOf = (key: string, table: string) =>
      found.settings.find((one) => one.key === key && one.table === table)?.value
    expect(settingOf('servers', 'myproxy')).toEqual([])
    expect(settingOf('directory', 'trust')).toBe('/own')
    expect(found.shellFiles).toEqual([
      { path: '/etc/profile.d/grid-env.sh', variables: ['X509_CERT_DIR'] },
      { path: '/etc/alicesgm-box-proxyrenewal', variables: ['MYPROXY_SERVER'] },
    ])
    expect([...found.set]).toEqual(['X509_CERT_DIR'])
    expect(found.file).toBeUndefined()
  })
})
