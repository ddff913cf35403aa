/**
 * What each request is answered, byte by byte, over a real socket: the wire of `glite-proxy-renewd`
 * for what is well-formed, and a code of its own for all that it crashed at, took, or kept silent to.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCredential } from '../../src/proxy/credential.js'
import { type ListeningJobs, listenFor } from '../support/job-listening.js'
import { jobWorld } from '../support/job-world.js'
import { JOB_VERSION, jobFrame, talk } from '../support/raw-jobs.js'

const NOTHING = Buffer.alloc(0)
const SERVER = 'Myproxy_server=px.example.org'
const GET = 'Command=3\nJobid=known\n'

let world: Awaited<ReturnType<typeof jobWorld>>
let jobs: ListeningJobs
/** The path that `known` was answered. */
let kept: string

beforeAll(async () => {
  world = await jobWorld()
  jobs = await listenFor((request) => world.ask(request))
  const answer = await world.register('known', await world.hand('ann'), 'px.example.org')
  kept = answer.proxyFile ?? ''
  await world.register('stays', await world.hand('ann'), 'px.example.org')
  const put = (name: string, bytes: Uint8Array) =>
    world.files.replace(`/jobs/${name}`, bytes, { mode: 0o600 })
  await put('good', Buffer.from(world.files.text('/jobs/x509up_1')))
  await put('garbage', Buffer.from('no proxy'))
  await put('certificate', encodeCredential(world.user('ann')))
})
afterAll(() => jobs.close())

/** The whole answer as the C client must find it: length, payload, the NUL within the length. */
function framed(lines: string): Buffer {
  const payload = Buffer.from(`${JOB_VERSION}${lines}\0`)
  const header = Buffer.alloc(4)
  header.writeUInt32BE(payload.length)
  return Buffer.concat([header, payload])
}

const header = (length: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
const bare = (text: string) => Buffer.concat([header(Buffer.byteLength(text)), Buffer.from(text)])
const register = (...lines: string[]) =>
  jobFrame(`${['Command=1', ...lines].map((line) => `${line}\n`).join('')}`)

const REFUSED: [string, Buffer, number][] = [
  ['nothing at all', NOTHING, 1901],
  ['half a length', Buffer.from([0, 0]), 1901],
  ['half a request', jobFrame(GET).subarray(0, -5), 1901],
  ['a frame of no bytes', header(0), 1903],
  ['a length of 4 GiB', header(0xffffffff), 1903],
  ['a length of one byte more than is taken', header(16 * 1024 + 1), 1903],
  ['bytes behind the frame', Buffer.concat([jobFrame(GET), Buffer.from('x')]), 1903],
  ['two NULs', bare(`${JOB_VERSION}Command=3\n\0Jobid=known\n\0`), 1903],
  ['what is not UTF-8', Buffer.concat([header(3), Buffer.from([0xff, 0xfe, 0])]), 1903],
  ['no version', bare(`${GET}\0`), 1904],
  ['an empty version', bare(`Version=\n${GET}\0`), 1903],
  ['another version', bare(`Version=EDG Proxy Renewal 2.0\n${GET}\0`), 1903],
  ['a version twice', jobFrame(`${JOB_VERSION}${GET}`), 1903],
  ['no command', jobFrame('Jobid=known\n'), 1904],
  ['an empty command', jobFrame('Command=\nJobid=known\n'), 1903],
  ['a command that is no number', jobFrame('Command=get\nJobid=known\n'), 1905],
  ['a command with a sign', jobFrame('Command=+3\nJobid=known\n'), 1905],
  ['LIST (4)', jobFrame('Command=4\n'), 1905],
  ['STATUS (5)', jobFrame('Command=5\nJobid=known\n'), 1905],
  ['UPDATE_DB (6)', jobFrame('Command=6\nProxy_name=../x\nEntry=0:/etc/passwd\n'), 1905],
  ['command 0', jobFrame('Command=0\nJobid=known\n'), 1905],
  ['command 1 of 2^32 more', jobFrame('Command=4294967297\nJobid=known\n'), 1905],
  ['two commands', jobFrame('Command=2\nCommand=3\nJobid=known\n'), 1903],
  ['keys in lower case', jobFrame('command=3\njobid=known\n'), 1904],
  ['GET without a job', jobFrame('Command=3\n'), 22],
  ['GET of an empty job', jobFrame('Command=3\nJobid=\n'), 1903],
  ['GET of an unknown job', jobFrame('Command=3\nJobid=unknown\n'), 1908],
  ['UNREGISTER without a job', jobFrame('Command=2\n'), 22],
  ['UNREGISTER of an unknown job', jobFrame('Command=2\nJobid=unknown\n'), 1908],
  ['UNREGISTER of another path', jobFrame('Command=2\nJobid=known\nProxy_name=/etc/x.0\n'), 1904],
  ['UNREGISTER of an empty path', jobFrame('Command=2\nJobid=known\nProxy_name=\n'), 1903],
  ['REGISTER without a job', register(SERVER, 'Proxy_name=/jobs/good'), 22],
  ['REGISTER without a proxy', register(SERVER, 'Jobid=j'), 1904],
  ['REGISTER without a server', register('Proxy_name=/jobs/good', 'Jobid=j'), 1904],
  ['REGISTER with an empty server', register('Myproxy_server=', 'Jobid=j'), 1903],
  ['two servers', register('Myproxy_server=a,b', 'Proxy_name=/jobs/good', 'Jobid=j'), 1902],
  ['port 0', register('Myproxy_server=px:0', 'Proxy_name=/jobs/good', 'Jobid=j'), 1902],
  ['a relative path', register(SERVER, 'Proxy_name=good', 'Jobid=j'), 1902],
  ['a file that is not there', register(SERVER, 'Proxy_name=/jobs/none', 'Jobid=j'), 1902],
  ['a file with no proxy', register(SERVER, 'Proxy_name=/jobs/garbage', 'Jobid=j'), 1902],
  ['a plain certificate', register(SERVER, 'Proxy_name=/jobs/certificate', 'Jobid=j'), 1902],
]

describe('a request that cannot be served', () => {
  it.each(REFUSED)('has its code, and only that: %s', async (_what, bytes, code) => {
    const before = world.store.book.size
    expect(await talk(jobs.path, bytes, { end: true })).toEqual(framed(`Response=${code}\n`))
    expect(world.store.book.size).toBe(before)
    const served = framed(`Response=0\nProxy_name=${kept}\n`)
    expect(await talk(jobs.path, jobFrame(GET))).toEqual(served)
  })
})

describe('a request that is served', () => {
  it.each([
    ['as the C client writes it', jobFrame(GET)],
    ['with keys in another order', jobFrame('Jobid=known\nCommand=3\n')],
    ['with keys that nobody knows', jobFrame(`Unique=1\n${GET}Color=red\n`)],
    ['with lines that hold no key', jobFrame(`\n=\nhello\n${GET}`)],
    ['with CRLF', jobFrame('Command=3\r\nJobid=known\r\n')],
    ['without its NUL', bare(`${JOB_VERSION}${GET}`)],
    ['without its last line feed', jobFrame('Command=3\nJobid=known')],
  ])('is answered GET: Response and Proxy_name, %s', async (_what, bytes) => {
    const answer = await talk(jobs.path, bytes)
    expect(answer).toEqual(framed(`Response=0\nProxy_name=${kept}\n`))
  })

  it('is answered REGISTER and UNREGISTER: Response, End_time, Renewal_time and Proxy_name, in this order', async () => {
    const request = register(SERVER, 'Proxy_name=/jobs/good', 'Jobid=third')
    const answer = await talk(jobs.path, request)
    const times = /End_time=(\d+)\nRenewal_time=(\d+)\n/.exec(answer.toString()) ?? []
    expect(Number(times[1])).toBe(world.clock.now() + 36_000)
    expect(Number(times[2])).toBeLessThanOrEqual(Number(times[1]) - 1800)
    const expected = framed(`Response=0\n${times[0]}Proxy_name=${kept}\n`)
    expect(answer).toEqual(expected)
    const ended = jobFrame(`Command=2\nJobid=third\nProxy_name=${kept}\n`)
    expect(await talk(jobs.path, ended)).toEqual(expected)
  })

  it('is answered the end of the last job with the path and without times', async () => {
    const lone = register('Myproxy_server=lone', 'Proxy_name=/jobs/good', 'Jobid=lone')
    const path = /Proxy_name=(.*)\n/.exec((await talk(jobs.path, lone)).toString())?.[1]
    const answer = await talk(jobs.path, jobFrame('Command=2\nJobid=lone\n'))
    expect(answer).toEqual(framed(`Response=0\nProxy_name=${path}\n`))
  })
})
