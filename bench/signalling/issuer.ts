/** An identity provider as the gateway sees one: metadata and keys to fetch, and tokens for any number. */
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface BenchIssuer {
  url: string;
  token(number: string): Promise<string>;
  close(): void;
}

export async function startIssuer(host: string, port: number, scope: string): Promise<BenchIssuer> {
  const url = `http://${host}:${port}`;
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }] };
  const server = createServer((request, response) => {
    const body = request.url === '/jwks' ? keys : { issuer: url, jwks_uri: `${url}/jwks` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(port, host, resolve));
  return {
    url,
    token: number =>
      new SignJWT({ client_id: 'bench', phone_number: number, scope })
        .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
        .setIssuer(url)
        .setAudience('lineside')
        .setSubject(number)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    close: () => server.close(),
  };
}
