import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestInfo } from '../../../../src/myproxy/client.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { putAlice } from '../../../support/raw-myproxy-client.js'

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid()
  await putAlice(grid, 'switched')
  const [entry] = await grid.repository.list('switched')
  if (entry === undefined) throw new Error('nothing stored')
  // As a C server stored it, and our PUT would not.
  for (const name of ['a,b', 'c']) {
    await grid.repository.store({ ...entry.data, name }, entry.creds, () => undefined)
  }
  const only = { ...entry.data, username: 'only', name: 'a,b' }
  await grid.repository.store(only, entry.creds, () => undefined)
})
afterAll(() => grid.stop())

const look = (username: string, credentialName?: string) =>
  requestInfo(grid.myproxy, {
    ...{ servers: grid.servers, username, credentialName },
    credential: grid.users.alice.credential,
  })

const namesOf = async (username: string, credentialName?: string) => {
  const { credentials } = await look(username, credentialName)
  return credentials.map(({ name }) => name)
}

describe('INFO about 3 credentials, one of which a C server stored as "a,b"', () => {
  it.each([
    ['leaves that one out of all', 'switched', undefined, [undefined, 'c']],
    ['shows it where it is asked for', 'switched', 'a,b', ['a,b']],
    ['shows it where it is the only one', 'only', undefined, ['a,b']],
  ])('%s', async (_what, username, credentialName, names) => {
    expect(await namesOf(username, credentialName)).toEqual(names)
  })
})

describe('INFO about 3 credentials, one of which has a chain that cannot be read', () => {
  beforeAll(async () => {
    const [entry] = await grid.repository.list('switched')
    if (entry === undefined) throw new Error('nothing stored')
    for (const name of ['bad', 'good', 'other']) {
      const data = { ...entry.data, username: 'damaged', name }
      const text = entry.creds.toString('latin1').replaceAll(/CERTIFICATE-----\nM/g, '$&AAA')
      const creds = name === 'bad' ? Buffer.from(text, 'latin1') : entry.creds
      await grid.repository.store(data, creds, () => undefined)
    }
  })

  it('shows the 2 others as they are, and it as the C server does: from 1970 to 1970', async () => {
    const { credentials } = await look('damaged')
    expect(credentials.map(({ name, start, end }) => [name, start > 0, end > 0])).toEqual([
      ['bad', false, false],
      ['good', true, true],
      ['other', true, true],
    ])
  })

  it('shows it where it alone is asked for, and the log has its name', async () => {
    grid.log.splice(0)
    const { credentials } = await look('damaged', 'bad')
    expect(credentials).toMatchObject([{ name: 'bad', start: 0, end: 0 }])
    expect(grid.log[0]).toMatchObject({
      ...{ level: 'warn', event: 'stored-credential-broken' },
      fields: { stem: 'damaged-bad', code: expect.stringMatching(/MALFORMED/) },
    })
  })
})

describe('INFO and the lines of the configuration', () => {
  it('are strangers: who may store no more may still look, as at the C server', async () => {
    const { settings, server } = grid
    server.reconfigure({ ...settings, policy: { acceptedCredentials: ['/O=nobody'] } })
    try {
      expect(await namesOf('only')).toEqual(['a,b'])
    } finally {
      server.reconfigure(settings)
    }
  })
})
