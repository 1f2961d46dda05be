using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.VfsProbe;

/// <summary>
/// Runs SQL: <c>VfsProbe EXTENSION SQL...</c> through Litestream's VFS, with <c>LITESTREAM_REPLICA_URL</c> and the rest of its
/// settings in the environment, which it reads when it is loaded; <c>VfsProbe none DATABASE SQL...</c> on an ordinary database.
/// Prints one line of JSON an SQL text: an array of rows, or an object with the error, after which it ends with 1.
/// </summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args.Length < 2)
        {
            Console.Error.WriteLine("VfsProbe EXTENSION SQL...");
            return 2;
        }

        Batteries_V2.Init();
        try
        {
            bool plain = args[0] == "none";
            using sqlite3 database = plain ? Open(args[1], SQLITE_OPEN_READONLY, vfs: null) : OpenReplica(args[0]);
            foreach (string sql in args[(plain ? 2 : 1)..])
            {
                Console.WriteLine(Rows(database, sql));
            }

            return 0;
        }
        catch (InvalidOperationException e)
        {
            Console.WriteLine(JsonSerializer.Serialize(new Dictionary<string, string> { ["error"] = e.Message }));
            return 1;
        }
    }

    private static sqlite3 OpenReplica(string extension)
    {
        // An extension that registers a VFS is loaded over any connection; the one that uses the VFS comes after.
        using (sqlite3 loader = Open(":memory:", SQLITE_OPEN_READWRITE, vfs: null))
        {
            Load(loader, extension);
        }

        return Open("replica.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "litestream");
    }

    private static sqlite3 Open(string name, int flags, string? vfs)
    {
        int result = sqlite3_open_v2(name, out sqlite3 database, flags, vfs);
        return result == SQLITE_OK ? database : throw Failure(database, $"Opening {name}", result);
    }

    private static void Load(sqlite3 database, string extension)
    {
        sqlite3_enable_load_extension(database, 1);
        int result = sqlite3_load_extension(database, utf8z.FromString(extension), utf8z.FromString(null), out utf8z error);
        if (result != SQLITE_OK)
        {
            throw new InvalidOperationException($"Loading {extension}: {error.utf8_to_string()} ({result})");
        }
    }

    private static string Rows(sqlite3 database, string sql)
    {
        ArrayBufferWriter<byte> buffer = new();
        using Utf8JsonWriter json = new(buffer);
        json.WriteStartArray();
        string tail = sql;
        while (!string.IsNullOrWhiteSpace(tail))
        {
            int result = sqlite3_prepare_v2(database, tail, out sqlite3_stmt statement, out string rest);
            if (result != SQLITE_OK)
            {
                throw Failure(database, tail, result);
            }

            using (statement)
            {
                while ((result = sqlite3_step(statement)) == SQLITE_ROW)
                {
                    WriteRow(json, statement);
                }
            }

            if (result != SQLITE_DONE)
            {
                throw Failure(database, tail, result);
            }

            tail = rest;
        }

        json.WriteEndArray();
        json.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteRow(Utf8JsonWriter json, sqlite3_stmt statement)
    {
        json.WriteStartArray();
        for (int column = 0; column < sqlite3_column_count(statement); column++)
        {
            switch (sqlite3_column_type(statement, column))
            {
                case SQLITE_INTEGER:
                    json.WriteNumberValue(sqlite3_column_int64(statement, column));
                    break;
                case SQLITE_FLOAT:
                    json.WriteNumberValue(sqlite3_column_double(statement, column));
                    break;
                case SQLITE_TEXT:
                    json.WriteStringValue(sqlite3_column_text(statement, column).utf8_to_string());
                    break;
                case SQLITE_BLOB:
                    json.WriteStringValue(Convert.ToHexStringLower(sqlite3_column_blob(statement, column)));
                    break;
                default:
                    json.WriteNullValue();
                    break;
            }
        }

        json.WriteEndArray();
    }

    private static InvalidOperationException Failure(sqlite3 database, string what, int result) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{what}: {sqlite3_errmsg(database).utf8_to_string()} ({result})"));
}
