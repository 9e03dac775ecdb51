"""A client made with the official SDK, of either generation, that does one thing after the other and prints JSON.

mcp_client.py http URL [KEY] | mcp_client.py stdio COMMAND ARG…  with calls as JSON lines on standard input.
"""

import asyncio
import json
import sys


def shown(result) -> dict:
    value = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "text": "\n".join(part.get("text", "") for part in value.get("content", [])),
        "structured": value.get("structuredContent"),
        "isError": value.get("isError", False),
    }


async def work(session, calls, version):
    tools = (await session.list_tools()).tools
    out = {"version": version, "tools": sorted(tool.name for tool in tools), "results": []}
    for name, arguments in calls:
        out["results"].append(shown(await session.call_tool(name, arguments)))
    print(json.dumps(out))


async def with_session(streams, calls):
    """The older way, which both SDKs know."""
    from mcp import ClientSession

    async with ClientSession(streams[0], streams[1]) as session:
        begun = await session.initialize()
        version = getattr(begun, "protocolVersion", None) or getattr(begun, "protocol_version", None)
        await work(session, calls, version)


async def main():
    way, target, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    calls = [json.loads(line) for line in sys.stdin]
    if way.startswith("new-"):
        from mcp.client.client import Client

        if way == "new-http":
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            headers = {"authorization": f"Bearer {rest[0]}"} if rest else {}
            async with httpx2.AsyncClient(headers=headers) as http:
                async with Client(streamable_http_client(target, http_client=http)) as client:
                    await work(client, calls, client.protocol_version)
            return
        from mcp.client.stdio import StdioServerParameters

        async with Client(StdioServerParameters(command=target, args=rest)) as client:
            await work(client, calls, client.protocol_version)
    elif way == "http":
        headers = {"authorization": f"Bearer {rest[0]}"} if rest else {}
        try:
            from mcp.client.streamable_http import streamablehttp_client

            async with streamablehttp_client(target, headers=headers) as streams:
                await with_session(streams, calls)
        except ImportError:
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            async with httpx2.AsyncClient(headers=headers) as http:
                async with streamable_http_client(target, http_client=http) as streams:
                    await with_session(streams, calls)
    else:
        from mcp.client.stdio import StdioServerParameters, stdio_client

        async with stdio_client(StdioServerParameters(command=target, args=rest)) as streams:
            await with_session(streams, calls)


asyncio.run(main())
