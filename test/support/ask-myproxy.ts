/** One request to a MyProxy server, byte for byte as a test writes it, and what comes back. */
import { readFile } from 'node:fs/promises'
import { connect, type TLSSocket } from 'node:tls'

export interface RawAsking {
  port: number
  /** Files of certificate and key; a proxy file is both. Absent: without a certificate. */
  as?: { cert: string; key: string } | undefined
  /** Lines behind the version, without line ends. */
  lines: readonly string[]
}

const DEADLINE_MS = 20_000

/** What the server says first, up to its NUL; what it says before it closes where it sends none. */
export async function askMyProxy({ port, as, lines }: RawAsking): Promise<string> {
  const pem = as && { cert: await readFile(as.cert), key: await readFile(as.key) }
  const socket = connect({
    host: '127.0.0.1',
    port,
    // Who answers is not what these tests are about.
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
    ...pem,
  })
  try {
    return await firstMessage(socket, lines)
  } finally {
    socket.destroy()
  }
}

function firstMessage(socket: TLSSocket, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const timer = setTimeout(() => reject(new Error('no answer in time')), DEADLINE_MS)
    const done = () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks).toString('latin1').replace(/\0.*$/s, ''))
    }
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (chunk.includes(0)) done()
    })
    socket.once('end', done)
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('secureConnect', () => {
      // The C server reads the first byte as a record of its own.
      socket.write('0', () => socket.write(`${['VERSION=MYPROXYv2', ...lines].join('\n')}\n\0`))
    })
  })
}
