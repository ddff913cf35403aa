import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type CServer, startCServer } from '../support/c-server.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { describeWithPrograms } from '../support/programs.js'

/** Four lists of revoked certificates, as far as a client can tell. */
const NAMES = ['8b334820.r0', '8b334821.r0', '8b334822.r0', '8b334823.r0']
const LIST = Buffer.alloc(200_000, 'not a list of revoked certificates\n')

const PAUSE_MS = 500

const PROGRAMS = ['myproxy-get-trustroots', 'myproxy-server']

describeWithPrograms('CA files of 800 kB for the C client', PROGRAMS, () => {
  let grid: EmbeddedGrid
  let real: CServer
  beforeAll(async () => {
    const givenIn = (directory: string) => join(directory, 'given')
    grid = await startEmbeddedGrid({
      key: 'rsa2048',
      async config(directory) {
        await mkdir(givenIn(directory))
        for (const name of NAMES) {
          await writeFile(join(givenIn(directory), name), LIST, { mode: 0o644 })
        }
        return `cert_dir ${givenIn(directory)}\n`
      },
    })
    const site = `authorized_retrievers "*"\ncert_dir ${givenIn(grid.directory)}\n`
    real = await startCServer(grid, 'c-server', site)
  })
  afterAll(async () => {
    real?.stop()
    await grid?.stop()
  })

  /** How many of the files arrive whole through a port. */
  async function arrived(port: number) {
    const places = NAMES.map((name) => join(grid.trustDirectory, name))
    for (const place of places) await rm(place, { force: true })
    const env = { MYPROXY_SERVER_PORT: String(port) }
    const asked = { as: grid.users.alice, env }
    const { exitCode, stderr } = await grid.run('myproxy-get-trustroots', [], asked)
    const files = await Promise.all(places.map((place) => readFile(place).catch(() => undefined)))
    return { exitCode, stderr, whole: files.filter((file) => file?.equals(LIST)).length }
  }

  const portOf = (whose: string) => (whose === 'ours' ? grid.port : real.port)

  // It takes what has come for all of an answer: one that is written piece by piece is cut short.
  it('come whole from one write', async () => {
    expect(await arrived(grid.port)).toMatchObject({ exitCode: 0, whole: 4 })
  })

  it.each(['ours', 'theirs'])(
    'come whole from %s though the network pauses for 0.5 s after 100 kB',
    async (whose) => {
      const relay = await startRelay(portOf(whose), 100_000, 'anywhere')
      expect(await arrived(relay)).toMatchObject({ exitCode: 0, whole: 4 })
    },
  )

  it.each(['ours', 'theirs'])(
    'are cut short from %s where it pauses just behind a record of TLS, which is the client’s',
    async (whose) => {
      const relay = await startRelay(portOf(whose), 100_000, 'behind a record')
      expect(await arrived(relay)).toMatchObject({ exitCode: 1, whole: 0 })
    },
  )
})

/** Stands before a server and stops once, for a while, when it has passed so many bytes on. */
async function startRelay(port: number, bytes: number, where: 'anywhere' | 'behind a record') {
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    client.on('error', () => server.destroy()).on('close', () => server.destroy())
    server.on('error', () => client.destroy())
    client.pipe(server)
    void (async () => {
      let passed = 0
      for await (const piece of where === 'anywhere' ? halves(server, bytes) : records(server)) {
        client.write(piece)
        const before = passed
        passed += piece.length
        if (before < bytes && passed >= bytes) await sleep(PAUSE_MS)
      }
      client.end()
    })().catch(() => client.destroy())
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void relay.close())
  return (relay.address() as AddressInfo).port
}

/** Chunks as they come, with an end at so many bytes. */
async function* halves(from: AsyncIterable<Buffer>, bytes: number) {
  let left = bytes
  for await (const chunk of from) {
    yield chunk.subarray(0, left)
    if (chunk.length > left) yield chunk.subarray(left)
    left = left > chunk.length ? left - chunk.length : Number.POSITIVE_INFINITY
  }
}

/** RFC 5246 §6.2.1: five bytes before each, the last two of them its length. */
async function* records(from: AsyncIterable<Buffer>) {
  let rest = Buffer.alloc(0)
  for await (const chunk of from) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5) {
      const length = 5 + rest.readUInt16BE(3)
      if (rest.length < length) break
      yield rest.subarray(0, length)
      rest = rest.subarray(length)
    }
  }
}
