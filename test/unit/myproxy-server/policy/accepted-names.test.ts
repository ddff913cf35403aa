import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestDestroy, requestPut } from '../../../../src/myproxy/client.js'
import { NamesOfProgram } from '../../../../src/myproxy/server/policy/accepted-names.js'
import { type DnForms, plainDn } from '../../../../src/myproxy/server/policy/dn-pattern.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import type { CallOutRequest, CallOuts } from '../../../../src/ports/call-out.js'
import { askMyProxy } from '../../../support/ask-myproxy.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'

const never = new AbortController().signal

describe('names of a map file', () => {
  let grid: EmbeddedGrid
  let mapFile: string

  beforeAll(async () => {
    grid = await startEmbeddedGrid({
      config: async (directory) => {
        mapFile = join(directory, 'map')
        await writeFile(mapFile, '"/DC=org/DC=example/OU=Users/CN=alice" hers,other\n')
        return `accepted_credentials_mapfile ${mapFile}\n`
      },
    })
  })
  afterAll(() => grid.stop())

  const owner = (username: string) => ({
    servers: grid.servers,
    username,
    credential: grid.users.alice.credential,
  })
  const put = (username: string) =>
    requestPut(grid.myproxy, {
      ...owner(username),
      lifetimeSeconds: 3600,
      storedSeconds: 3600,
      policies: {},
      random: systemRandom,
    })

  it('let somebody store under the 2 names of a line and remove them, and under no third', async () => {
    await put('hers')
    await put('other')
    const { code, data } = await rejectionOf(put('third'))
    expect(code).toBe('MYPROXY_REFUSED')
    expect(data.serverMessage).toBe(
      "PUT/STORE: No mapping found for '/DC=org/DC=example/OU=Users/CN=alice' and 'third' " +
        'Accepted credentials failure for DN/Username via grid-mapfile',
    )
    expect(grid.log.at(-1)).toMatchObject({ fields: { code: 'MYPROXY_NOT_AUTHORISED' } })
    await requestDestroy(grid.myproxy, owner('hers'))
    const removal = await rejectionOf(requestDestroy(grid.myproxy, owner('third')))
    expect(removal.code).toBe('MYPROXY_REFUSED')
  })

  it('count from the next request on when the file has changed', async () => {
    await writeFile(mapFile, '"/DC=org/DC=example/OU=Users/CN=alice" third\n')
    await put('third')
    expect((await rejectionOf(put('other'))).code).toBe('MYPROXY_REFUSED')
  })

  it('let nobody store when everybody may write the file, and say why only in the log', async () => {
    await chmod(mapFile, 0o666)
    const { data } = await rejectionOf(put('third'))
    expect(data.serverMessage).toBe('internal error: see the log of the server')
    expect(grid.log.at(-1)).toMatchObject({ fields: { code: 'FILE_UNSAFE' } })
  })
})

describe('names and a client without a certificate', () => {
  it('have nothing in common: it is refused before anybody is asked, though all may store', async () => {
    const asked: string[] = []
    const acceptedNames = {
      async require({ oneLine }: DnForms) {
        asked.push(oneLine)
      },
    }
    const grid = await startEmbeddedGrid({
      ...{ policy: { acceptedCredentials: ['*'] }, settings: { acceptedNames } },
    })
    const told: string[] = []
    try {
      for (const command of ['1', '3', '5']) {
        const lines = [`COMMAND=${command}`, 'USERNAME=a', 'PASSPHRASE=', 'LIFETIME=0']
        told.push(await askMyProxy({ port: grid.port, lines }))
      }
      expect(asked).toEqual([])
      for (const answer of told) {
        expect(answer).toContain('ERROR=A certificate is needed for this request')
      }
    } finally {
      await grid.stop()
    }
  })
})

describe('names of a program', () => {
  const asked: CallOutRequest[] = []
  const callOuts: CallOuts = {
    async run(request) {
      asked.push(request)
      return { status: request.arguments[1] === 'good' ? 0 : 1, stdout: Buffer.of(), stderr: '' }
    },
  }
  const names = new NamesOfProgram({ callOuts, program: '/site/mapapp' })

  it('are asked for with the DN and the name, in this order', async () => {
    await names.require(plainDn('/CN=alice'), 'good', never)
    expect(asked).toEqual([{ file: '/site/mapapp', arguments: ['/CN=alice', 'good'] }])
  })

  it('are refused by any status but 0', async () => {
    const { code, data } = await rejectionOf(names.require(plainDn('/CN=alice'), 'bad', never))
    expect(code).toBe('MYPROXY_NOT_AUTHORISED')
    expect(data.lines).toEqual([
      'consult_mapapp call-out returned failure',
      'Accepted credentials failure for DN/Username via call-out',
    ])
  })
})
