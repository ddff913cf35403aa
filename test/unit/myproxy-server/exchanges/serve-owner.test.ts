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

const namesOf = async (username: string, credentialName?: string) => {
  const { credentials } = await requestInfo(grid.myproxy, {
    ...{ servers: grid.servers, username, credentialName },
    credential: grid.users.alice.credential,
  })
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
