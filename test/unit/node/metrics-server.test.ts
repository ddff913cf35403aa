import { chmodSync, existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serveMetrics } from '../../../src/node/service/metrics-server.js'
import { placeOf } from '../../../src/node/service/service-monitor.js'
import { ask } from '../../support/http-ask.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const page = { contentType: 'text/plain; version=0.0.4', render: async () => 'vobox_x 1\n' }

async function serve(own = page, deadlineMs?: number) {
  const socketPath = join(await temporaryDirectory(), 'metrics.sock')
  const server = await serveMetrics({ path: socketPath }, own, deadlineMs)
  onTestFinished(() => server.close())
  return { socketPath, server }
}

/** Sends these bytes and resolves with all that comes back when the other side hangs up. */
function exchange(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(socketPath, () => socket.write(bytes))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(answer))
  })
}

describe('serveMetrics', () => {
  it.each([
    ['GET', '/metrics', 200, 'vobox_x 1\n'],
    ['GET', '/metrics?debug=1', 200, 'vobox_x 1\n'],
    ['HEAD', '/metrics', 200, ''],
    ['POST', '/metrics', 405, 'only GET\n'],
    ['GET', '/', 404, 'only /metrics is here\n'],
    ['GET', '/metrics/../x', 404, 'only /metrics is here\n'],
  ])('answers %s %s with %i', async (method, path, status, body) => {
    const { socketPath } = await serve()
    const answer = await ask({ socketPath }, { method, path })
    expect(answer).toMatchObject({ status, body })
    expect(answer.headers.connection).toBe('close')
  })

  it('says 500, and nothing of the reason, when there are no metrics', async () => {
    const render = () => Promise.reject(new Error('/CN=secret'))
    const { socketPath } = await serve({ ...page, render })
    expect(await ask({ socketPath })).toMatchObject({
      status: 500,
      body: 'no metrics at this moment\n',
    })
  })

  it('hangs up on who sends half a request within 200 ms, and on who reads nothing', async () => {
    const render = async () => 'x'.repeat(50_000_000)
    const { socketPath } = await serve({ ...page, render }, 200)
    expect(await exchange(socketPath, 'GET /metrics HTTP/1.1\r\nHost:')).not.toContain('200 OK')
    // Node's own deadline and that of the connection end together: the first answers, the other is mute.
    expect(await exchange(socketPath, '')).toMatch(/^(HTTP\/1\.1 408 |$)/)
    const silent = connect(socketPath, () =>
      silent.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'),
    )
    silent.pause()
    silent.on('error', () => undefined)
    await expect.poll(() => ask({ socketPath }, { path: '/' })).toMatchObject({ status: 404 })
    silent.resume()
    await new Promise((resolve) => silent.once('close', resolve))
  })

  it('refuses headers of more than 8 kB', async () => {
    const { socketPath } = await serve()
    const request = `GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(9000)}\r\n\r\n`
    expect(await exchange(socketPath, request)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('makes a socket of mode 0660 whatever the umask, in place of one that was left', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'metrics.sock')
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const left = createServer()
    await new Promise<void>((resolve) => left.listen(path, resolve))
    const second = await serveMetrics({ path }, page)
    onTestFinished(() => second.close())
    onTestFinished(() => void left.close())
    expect(statSync(path).mode & 0o7777).toBe(0o660)
    expect(process.umask()).toBe(0)
  })

  it('leaves alone what is no socket, and says that nobody can listen there', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'file')
    writeFileSync(file, 'kept')
    chmodSync(file, 0o600)
    const link = join(directory, 'link')
    symlinkSync(file, link)
    await expect(serveMetrics({ path: file }, page)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await expect(serveMetrics({ path: link }, page)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(existsSync(link)).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})

describe('placeOf', () => {
  it.each([
    ['socket', { path: '/vo/metrics.sock' }],
    ['127.0.0.1:9780', { host: '127.0.0.1', port: 9780 }],
    ['[::1]:9780', { host: '::1', port: 9780 }],
    ['none', undefined],
  ])('%s', (listen, place) => expect(placeOf(listen, '/vo/metrics.sock')).toEqual(place))
})
