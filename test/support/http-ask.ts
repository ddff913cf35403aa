/** One HTTP request to a loopback port or a unix socket. */
import { request } from 'node:http'

export interface HttpAnswer {
  status: number | undefined
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: string
}

export function ask(
  place: { socketPath: string } | { host: string; port: number },
  { method = 'GET', path = '/metrics' } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...place, method, path }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        body += chunk
      })
      response.once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body }),
      )
    })
    asked.once('error', reject)
    asked.end()
  })
}
