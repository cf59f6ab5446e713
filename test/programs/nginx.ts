// nginx in a namespace of a lab, with an access log that has the octets and the worker of every request.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, until } from '../traffic/mod.ts'
import type { Carried } from './carried.ts'
import { serve } from './program.ts'

export interface Nginx {
  readonly address: string
  readonly port: number
  /** One entry per connection, from the access log, once it has so many requests. */
  books(
    requests: number,
  ): Promise<readonly Pick<Carried, 'src_port' | 'dst_pid' | 'bytes' | 'reverse_bytes'>[]>
  /** Workers of the connections on which nothing was ever asked, from the error log: one entry per connection. */
  silent(): readonly number[]
}

const port = 8080
const pageBytes = 30_000
/** More requests than this, and nginx closes the connection. */
const requestsPerConnection = 50

export async function startNginx(lab: Lab, at: number): Promise<Nginx> {
  const folder = join(lab.folder, 'nginx')
  mkdirSync(join(folder, 'www'), { recursive: true })
  writeFileSync(join(folder, 'www', 'page'), Buffer.alloc(pageBytes, 'x'))
  const address = lab.address(at, 'v4')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, configuration(folder, address))
  await serve(lab, at, port, ['nginx', '-p', folder, '-e', 'stderr', '-c', file])
  return {
    address,
    port,
    books: (requests) => books(join(folder, 'access.log'), requests),
    silent: () => silent(readFileSync(join(folder, 'error.log'), 'utf8')),
  }
}

function silent(log: string): readonly number[] {
  const lines = log.matchAll(/^.* \[info\] (\d+)#.* while waiting for request, client/gm)
  return [...lines].map(([, pid]) => Number(pid))
}

async function books(file: string, requests: number) {
  const lines = await until(`${requests} requests in the log of nginx`, () => {
    const found = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    return found.length >= requests && found
  })
  const entries = lines.map((line) => {
    const [connection, src_port, dst_pid, bytes, reverse_bytes] = line.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ]
    return { connection, src_port, dst_pid, bytes, reverse_bytes }
  })
  return [...Map.groupBy(entries, ({ connection }) => connection).values()].map((own) => ({
    src_port: own[0]!.src_port,
    dst_pid: own[0]!.dst_pid,
    bytes: own.reduce((sum, one) => sum + one.bytes, 0),
    reverse_bytes: own.reduce((sum, one) => sum + one.reverse_bytes, 0),
  }))
}

const configuration = (folder: string, address: string) => `
daemon off;
user root;
worker_processes 3;
pid ${folder}/pid;
error_log ${folder}/error.log info;
events { worker_connections 512; }
http {
  log_format book '$connection $remote_port $pid $request_length $bytes_sent';
  access_log ${folder}/access.log book;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  sendfile on;
  keepalive_requests ${requestsPerConnection};
  server {
    listen ${address}:${port} reuseport;
    root ${folder}/www;
  }
}
`
