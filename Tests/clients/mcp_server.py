"""A tool server made with the official SDK, of either generation: mcp_server.py stdio | mcp_server.py http PORT."""

import asyncio
import os
import sys

try:
    from mcp.server.mcpserver import Context, MCPServer

    IS_NEW = True
except ImportError:
    from mcp.server.fastmcp import Context, FastMCP as MCPServer

    IS_NEW = False

way = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
server = MCPServer("demo") if IS_NEW or way == "stdio" else MCPServer("demo", host="127.0.0.1", port=port)
slept = []


@server.tool()
async def add(a: int, b: int, ctx: Context) -> int:
    """Adds two numbers."""
    await ctx.report_progress(1, 2, "half")
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("it was to fail")


@server.tool()
async def slow(seconds: float) -> str:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return "done"


@server.tool()
def surroundings() -> str:
    """What it can see of where it runs."""
    return "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()))


@server.tool()
def limits() -> str:
    """The limits it runs with."""
    import resource

    names = ["RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CPU"]
    return "\n".join(f"{name} {resource.getrlimit(getattr(resource, name))[0]}" for name in names) + (
        f"\nsession {os.getsid(0) == os.getpid()}"
    )


if way == "stdio":
    server.run("stdio")
elif IS_NEW:
    server.run("streamable-http", host="127.0.0.1", port=port)
else:
    server.run("streamable-http")
